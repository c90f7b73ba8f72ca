// The one state of the page. Views are functions of it; `update` is the only way to change it.

/** @type {State} */
export const state = {
  user: null,
  ready: false,
  online: true,
  route: { view: "all", id: "", params: {} },
  todos: new Map(),
  projects: new Map(),
  revision: 0,
  loading: false,
  waiting: 0,
  conflicts: [],
  toasts: [],
  now: new Date(),
  menu: false,
  ...fresh(),
};

/** The parts that belong to the account or to its open view: they are emptied at sign-out. */
function fresh() {
  return { ui: {}, forms: {}, settings: {}, assistant: {} };
}

/** @type {Set<(state: State) => void>} */
const subscribers = new Set();
/** @type {(() => void)[]} */
let afterwards = [];
let frame = 0;

/** Changes the state, and renders once before the next frame, however often it is called until then.
 * @param {(state: State) => void} [change] */
export function update(change) {
  change?.(state);
  frame ||= requestAnimationFrame(publish);
}

function publish() {
  frame = 0;
  for (const each of subscribers) each(state);
  const due = afterwards;
  afterwards = [];
  for (const each of due) each();
}

/** @param {(state: State) => void} subscriber */
export function subscribe(subscriber) {
  subscribers.add(subscriber);
}

/** Resolves after the next render: the time to move the focus. @returns {Promise<void>} */
export function rendered() {
  update();
  return new Promise((resolve) => afterwards.push(resolve));
}

export function forget() {
  update((s) => {
    s.todos = new Map();
    s.projects = new Map();
    s.revision++;
    Object.assign(s, { user: null, conflicts: [], waiting: 0, loading: false, ...fresh() });
  });
}
