import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { importAnew, openPage } from "./page.js";

/** @type {typeof import("../../assets/js/server.js")} */
let server;

beforeEach(async () => {
  openPage();
  server = await importAnew("server");
});

/** @param {() => Promise<Response>} answer */
const answerWith = (answer) => mock.method(globalThis, "fetch", answer);

test("addresses are below the path under which the page is served", () => {
  assert.equal(server.apiAddress("models"), "/kie-ui/models");
  window.gradio_config = { root: "http://localhost:7860/video", api_prefix: "/gradio_api" };
  assert.equal(server.apiAddress("models"), "/video/kie-ui/models");
  assert.equal(server.fileAddress("/tmp/a.png"), "/video/gradio_api/file=/tmp/a.png");
});

test("an answer holds what the server sent", async () => {
  answerWith(async () => Response.json({ run_id: "1" }));
  const answer = await server.postJson("track", { task_id: "x" });
  assert.deepEqual(answer, { run_id: "1", isDone: true, isAnswered: true, message: null });
});

test("a refusal says why, in the server's words", async () => {
  answerWith(async () => Response.json({ message: "Select a run first." }, { status: 422 }));
  const { isDone, isAnswered, message } = await server.postJson("history/delete", {});
  assert.deepEqual({ isDone, isAnswered, message }, {
    isDone: false, isAnswered: true, message: "Select a run first.",
  });
});

test("a request that meets no server, or a proxy's page, is one that was not answered", async () => {
  for (const answer of [
    async () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
    async () => Promise.reject(new TypeError("no network")),
  ]) {
    answerWith(answer);
    const { isDone, isAnswered, message } = await server.requestJson("models");
    assert.deepEqual({ isDone, isAnswered }, { isDone: false, isAnswered: false });
    assert.match(message ?? "", /cannot be reached/);
    assert.equal(await server.getJson("models"), null);
  }
});
