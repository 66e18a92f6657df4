// Our server: its addresses, and requests to it.
export const rootPath = () =>
  new URL(window.gradio_config?.root || ".", location.href).pathname.replace(/\/$/, "");
export const apiAddress = (path) => `${rootPath()}/kie-ui/${path}`;
export const fileAddress = (path) => `${rootPath()}${window.gradio_config.api_prefix}/file=${path}`;

const UNREACHED = "The server cannot be reached right now: press again in a moment.";

// Sends a request. If it fails, `message` is a sentence that says why.
export const postJson = (path, body) => {
  if (body === undefined) return requestJson(path, { method: "POST" });
  const headers = { "Content-Type": "application/json" };
  return requestJson(path, { method: "POST", body: JSON.stringify(body), headers });
};
export const requestJson = async (path, options = {}) => {
  try {
    const answer = await fetch(apiAddress(path), options);
    const data = await answer.json().catch(() => ({}));
    const message = answer.ok ? null : (data.message ?? UNREACHED);
    return { ...data, isDone: answer.ok, isAnswered: answer.ok || "message" in data, message };
  } catch {
    return { isDone: false, isAnswered: false, message: UNREACHED };
  }
};

// Returns the server's JSON, or null on failure.
export const getJson = async (path) => {
  try {
    const answer = await fetch(apiAddress(path));
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
};
