// Checks that what is sent is the code that was written: the syntax trees of both, without comments, are the same.
// Usage: node same_code.mjs SOURCE SENT, two folders. The second is one that functions.web.build has prepared.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const [source, sent] = process.argv.slice(2);
const printer = ts.createPrinter({ removeComments: true });

/** Returns the code of a file in one form. Indentation in texts does not count, because templates of HTML lose it. */
function normalize(path) {
  const tree = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  return printer.printFile(tree).replace(/[ \t]*\n\s*/g, "\n");
}

const modules = readdirSync(source, { recursive: true }).filter((path) => path.endsWith(".js"));
const changed = modules.filter((path) => normalize(join(source, path)) !== normalize(join(sent, path)));
console.log(`${modules.length} modules are sent as they were written, without comments.`);
if (changed.length) {
  console.error(`The code of these would change: ${changed.join(", ")}. Mend functions/web/stripping.py.`);
  process.exit(1);
}
