// A whole conversation with one of the official clients. Prints as JSON what the client saw.
// Usage: conversation.mjs PACKAGE URL TOKEN, where PACKAGE is `sdk` (version 1) or `client` (version 2).

const [library, url, token] = process.argv.slice(2);
const capabilities = { elicitation: { form: {} } };
const answers = [false, true];
const questions = [];

function answer({ params }) {
  questions.push(params.message);
  return { action: "accept", content: { confirm: answers.shift() } };
}

async function makeClient() {
  const name = { name: "conversation", version: "1" };
  const options = { requestInit: { headers: { Authorization: `Bearer ${token}` } } };
  if (library === "sdk") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    const { ElicitRequestSchema } = await import("@modelcontextprotocol/sdk/types.js");
    const client = new Client(name, { capabilities });
    client.setRequestHandler(ElicitRequestSchema, answer);
    return [client, new StreamableHTTPClientTransport(new URL(url), options)];
  }
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const client = new Client(name, { capabilities, versionNegotiation: { mode: "auto" } });
  client.setRequestHandler("elicitation/create", answer);
  return [client, new StreamableHTTPClientTransport(new URL(url), options)];
}

const [client, transport] = await makeClient();
await client.connect(transport);
const problems = [];
client.onerror = (error) => problems.push(String(error));

async function call(name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  return { ...result.structuredContent, isError: result.isError ?? false };
}

async function titles() {
  return (await call("search_todos")).todos.map((todo) => todo.title);
}

const seen = { instructions: client.getInstructions(), tools: (await client.listTools()).tools.map((tool) => tool.name) };
const added = await call("add_todos", { todos: [{ title: "Milk" }, { title: "Bread" }] });
const ids = added.results.map((item) => item.todo.id);
seen.added = await titles();
seen.completed = (await call("complete_todos", { ids: ids.slice(1) })).results[0].ok;
seen.refused = await call("delete_todos", { ids: ids.slice(0, 1) });
seen.afterNo = await titles();
seen.deleted = await call("delete_todos", { ids: ids.slice(0, 1) });
seen.afterYes = await titles();
seen.undone = (await call("undo_last_turn")).undone.map((todo) => todo.title);
seen.afterUndo = await titles();
seen.resources = (await client.listResources()).resources.map((resource) => resource.uri);
seen.templates = (await client.listResourceTemplates()).resourceTemplates.map((template) => template.uriTemplate);
seen.today = JSON.parse((await client.readResource({ uri: "todo://today" })).contents[0].text);
seen.prompts = (await client.listPrompts()).prompts.map((prompt) => prompt.name);
const prompt = await client.getPrompt({ name: "plan_my_day", arguments: { day: "tomorrow" } });
seen.prompt = prompt.messages[0].content.text;
const begun = { ref: { type: "ref/prompt", name: "plan_my_day" }, argument: { name: "day", value: "to" } };
seen.completion = (await client.complete(begun)).completion.values;
seen.unknown = await client.callTool({ name: "no_such_tool", arguments: {} }).catch((error) => String(error));
await client.close();
console.log(JSON.stringify({ ...seen, questions, problems }));
process.exit(0);
