// Receives webhooks, and verifies each with the npm package `standardwebhooks`.
//
// A line on standard input has the secrets of a path as JSON: {"path": "/a", "secrets": ["whsec_..."]}. A message is
// valid if each of the secrets verifies it. Each request becomes one line of JSON on standard output.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

const secrets = new Map();

function verify(path, body, headers) {
  for (const secret of secrets.get(path) ?? []) {
    new Webhook(secret).verify(body, headers);
  }
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks).toString("utf8");
  const seen = { path: request.url, id: request.headers["webhook-id"], body, valid: true, error: null };
  seen.signatures = (request.headers["webhook-signature"] ?? "").split(" ").length;
  try {
    verify(request.url, body, request.headers);
  } catch (error) {
    seen.valid = false;
    seen.error = String(error);
  }
  response.writeHead(seen.valid ? 204 : 400).end();
  console.log(JSON.stringify(seen));
});

createInterface({ input: process.stdin }).on("line", (line) => {
  const known = JSON.parse(line);
  secrets.set(known.path, known.secrets);
  console.log(JSON.stringify({ known: known.path }));
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
