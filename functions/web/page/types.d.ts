// Types of the page's JavaScript, for `tsc`. Not sent to browsers. All are global, so modules name them without imports.
import type { components } from "./api/types";
import type { TemplateResult } from "./vendor/lit-html/lit-html.js";

declare global {
  type Schemas = components["schemas"];
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
    text: string;
    isError: boolean;
    undo?: (() => void) | undefined;
  }

  /** A row of a list, with the numbers of its subtodos, and of the open ones. */
  interface Row {
    todo: Todo;
    depth: number;
    total: number;
    open: number;
    group: string;
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
    /** What the edit changes at once, by path: the object itself and, for a cascade, its subtodos. Null: removed. */
    effects: [string, Record<string, unknown> | null][];
    /** True once it may have reached the service. */
    tried?: boolean;
    /** The version of the object that a PATCH changes. */
    version?: number;
    /** Why it cannot take effect. `theirs` is the object as the service has it now, or null if it is gone. */
    problem?: { theirs: any; detail: string };
  }

  /** What happens to the copy, in each tab. All parts are optional. */
  interface Step {
    /** Objects of the service by path; null removes one. */
    keep?: [string, any][];
    /** An edit that is new, or has changed. */
    put?: Edit;
    /** The key of an edit that waits no longer. */
    drop?: string;
    done?: { key: string; version?: number; completion?: Completion };
    changes?: Change[];
    seq?: number;
    /** Whether the service answers. */
    online?: boolean;
  }

  /** Options of a request. */
  interface Options {
    body?: unknown;
    headers?: Record<string, string>;
    signal?: AbortSignal;
    seconds?: number;
    key?: string;
  }

  type Completion = Schemas["CompletionRead"];
  type Draft = Schemas["DraftRead"];
  type Understood = Schemas["UnderstoodRead"];

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
    /** Edits that cannot take effect, until the user decides. */
    conflicts: Edit[];
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

  /** A field of forms.json: an input, a select for `options`, or `boxes` to check. */
  interface Field {
    type?: string;
    autocomplete?: string;
    minlength?: number;
    maxlength?: number;
    optional?: boolean;
    options?: string[] | "timezones";
    boxes?: boolean;
    value?: string | string[];
  }

  /** A form of forms.json. `call` is its request, `look` a class of its button; `keep` leaves the fields filled. */
  interface FormSpec {
    fields?: string[];
    call?: string;
    look?: string;
    keep?: boolean;
  }

  interface FormOptions {
    /** Sends the fields, in place of the `call`. */
    send?: (values: Record<string, any>) => Promise<unknown>;
    values?: Record<string, any>;
    /** Names of further fields. */
    more?: string[];
    /** Wraps the sending. */
    around?: (work: () => Promise<any>) => Promise<void>;
  }

  /** A section of sections.json. `reads` are the paths of what it shows, by name. */
  interface Section {
    parent?: string;
    reads?: Record<string, string>;
    blocks: Block[];
  }

  /** A part of a section: a form, an own view, or a list of what was read, with the keys of its items to show. */
  interface Block {
    title?: string;
    form?: string;
    own?: string;
    list?: string;
    name?: string;
    badge?: string;
    details?: string[];
    actions?: Record<string, Action>;
  }

  /** A button of a list: it sends a `call`, or opens a section. `if` and `unless` are keys of the item. */
  interface Action {
    call?: string;
    body?: object;
    ask?: boolean;
    open?: string;
    if?: string;
    unless?: string;
  }

  /** What a form of the settings has in code. `values` fills it with what the section has read. */
  interface SettingsForm {
    canUse?: () => boolean;
    values?: (data: any) => Record<string, any>;
    send?: (values: any) => Promise<unknown>;
  }

  type SettingsButton = (key: string, work: () => Promise<unknown>, title?: string, ask?: boolean) => unknown;

  /** A turn of the assistant as the panel shows it: the turn of the service, and how far it is. */
  interface Turn extends Omit<Schemas["TurnRead"], "status"> {
    message: string;
    status: Schemas["Status"];
    error: unknown;
    undone: Schemas["UndoneRead"];
  }
}
