// The one state of the page. Views are functions of it; `update` is the only way to change it.

/** What belongs to an account: emptied at sign-out. @returns {any} */
const fresh = () => ({
  user: null, todos: new Map(), projects: new Map(), loading: false, waiting: 0, conflicts: [],
  ui: {}, forms: {}, settings: {}, assistant: {},
});

/** @type {State} */
export const state = {
  ...fresh(),
  ready: false,
  online: true,
  route: { view: "all", id: "", params: {} },
  revision: 0,
  toasts: [],
  now: new Date(),
  menu: false,
};

/** @type {((state: State) => void)[]} */
const subscribers = [];
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
  subscribers.forEach((subscriber) => subscriber(state));
  const waiting = afterwards;
  afterwards = [];
  waiting.forEach((resolve) => resolve());
}

/** @param {(state: State) => void} subscriber called with each render */
export const subscribe = (subscriber) => subscribers.push(subscriber);

/** Resolves after the next render: the time to move the focus. @returns {Promise<void>} */
export function rendered() {
  update();
  return new Promise((resolve) => afterwards.push(resolve));
}

export const forget = () => update((s) => Object.assign(s, fresh(), { revision: s.revision + 1 }));
