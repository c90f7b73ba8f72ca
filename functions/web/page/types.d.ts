// Types of the page's JavaScript, for `tsc`. Not sent to browsers. All are global, so modules name them without imports.
import type { components } from "./api/types";
import type { TemplateResult } from "./vendor/lit-html/lit-html.js";

type Schemas = components["schemas"];

declare global {
  type Template = TemplateResult | string | typeof import("./vendor/lit-html/lit-html.js").nothing;
  type Todo = Schemas["TodoRead"];
  type Project = Schemas["ProjectRead"];
  type User = Schemas["UserRead"];
  type Change = Schemas["ChangeRead"];
  type Problem = Schemas["Problem"] & { errors?: { field: string; message: string; code: string }[] };

  interface Route {
    view: string;
    /** The second part of the fragment: the id of a project, the name of a tag, the section of the settings. */
    id: string;
    /** The query of the fragment: filters, search and sort order. */
    params: Record<string, string>;
  }

  interface Toast {
    id: number;
    text: string;
    isError: boolean;
    undo?: () => void;
  }

  interface Conflict {
    edit: Edit;
    problem: Problem | null;
    /** The object as the service has it now, or null if it is gone. */
    theirs: Todo | Project | null;
  }

  /** A write that waits in the outbox. */
  interface Edit {
    key: string;
    at: number;
    method: string;
    path: string;
    body: Record<string, unknown> | null;
    /** The path of the object, for example `todos/<id>`. */
    target: string;
    /** The values that the user saw in the changed fields. */
    seen: Record<string, unknown>;
    /** What the edit changes at once, by path: the object itself and, for a cascade, its subtodos. */
    effects: [string, Record<string, unknown> | null][];
  }

  interface State {
    user: User | null;
    /** False until it is known whether somebody is signed in. */
    ready: boolean;
    online: boolean;
    route: Route;
    /** All todos by id, also those in the trash, with the edits that still wait. */
    todos: Map<string, Todo>;
    projects: Map<string, Project>;
    /** Grows with each change of todos or projects, so that views can keep what they computed. */
    revision: number;
    /** True while the lists are read for the first time. */
    loading: boolean;
    /** Number of edits in the outbox. */
    waiting: number;
    conflicts: Conflict[];
    toasts: Toast[];
    /** The current time, renewed each minute. */
    now: Date;
    /** True while the sidebar covers the list on a phone. */
    menu: boolean;
    /** State of the open list: editor, selection, filters. */
    ui: Record<string, any>;
    forms: Record<string, any>;
    settings: Record<string, any>;
    assistant: Record<string, any>;
  }
}
