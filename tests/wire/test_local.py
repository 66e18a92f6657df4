"""A server for one person, who is known by nothing but using this computer."""

from __future__ import annotations

import httpx
import pytest

from tests.wire.app_process import AppProcess


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.test:7860"},
        {"host": "evil.test", "sec-fetch-site": "same-origin"},
        {"origin": "http://localhost:8320"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    ],
)
@pytest.mark.parametrize("path", ["/kie-ui/history", "/gradio_api/info", "/config"])
def test_no_other_site_reads_anything(
    demo_app: AppProcess, path: str, headers: dict[str, str]
) -> None:
    """Not by a name that it has point here, nor from another port."""
    answer = httpx.get(demo_app.url + path, headers=headers, trust_env=False)
    assert answer.status_code in (403, 421)


def test_no_other_site_presses(demo_app: AppProcess) -> None:
    """A form of another site would press with the owner's own key."""
    url = f"{demo_app.url}/gradio_api/call/v2/grok_imagine_image_to_video"
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    answer = httpx.post(url, json={"prompt": "x"}, headers=headers, trust_env=False)
    assert answer.status_code == 403
    assert httpx.get(f"{demo_app.url}/kie-ui/history", trust_env=False).is_success
