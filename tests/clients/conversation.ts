import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[] };
const [, , baseUrl, email, password] = process.argv as [string, string, string, string, string];

const visitor = createClient<paths>({ baseUrl });
await visitor.POST("/api/v1/auth/register", { body: { email, password } });
const { data: token } = await visitor.POST("/api/v1/auth/token", {
  body: { grant_type: "password", username: email, password },
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
  bodySerializer: (form) => new URLSearchParams(form),
});

const headers = { Authorization: `Bearer ${token!.access_token}` };
type Problem = "application/problem+json";
const client = createClient<paths, "application/json" | Problem>({ baseUrl, headers });
const { data: created, response } = await client.POST("/api/v1/todos", { body: { title: "Buy milk" } });
const path = { todo_id: created!.id };
const header = { "If-Match": response.headers.get("ETag")! };
const priority: components["schemas"]["Priority"] = "high";
const { data: changed } = await client.PATCH("/api/v1/todos/{todo_id}", {
  params: { path, header },
  body: { priority },
});
const { error: stale } = await client.PATCH("/api/v1/todos/{todo_id}", {
  params: { path, header },
  body: { title: "Late" },
});
const { data: todos } = await client.GET("/api/v1/todos", { params: { query: { priority } } });
const { error: missing } = await client.GET("/api/v1/todos/{todo_id}", {
  params: { path: { todo_id: "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22" } },
});

const Accept = "application/json; profile=page";
const pages = createClient<paths, typeof Accept | Problem>({ baseUrl, headers: { ...headers, Accept } });
const inPages: string[] = [];
await client.POST("/api/v1/todos", { body: { title: "Buy bread" } });
for (let cursor: string | null | undefined = undefined; cursor !== null; ) {
  const query: { limit: number; cursor?: string } = cursor ? { limit: 1, cursor } : { limit: 1 };
  const { data: page } = await pages.GET("/api/v1/todos", { params: { query } });
  inPages.push(...page!.items.map((todo) => todo.title));
  cursor = page!.next_cursor;
}
const titles = todos!.map((todo) => todo.title);
const codes = { stale: stale!.code, missing: missing!.status };
console.log(JSON.stringify({ titles, inPages, priority: changed!.priority, ...codes }));
