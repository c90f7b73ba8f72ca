// Texts of the page by key, from `words/<language>.json`. Plural forms are chosen by the rules of the language.
import { update } from "./state.js";

export const LANGUAGES = { en: "English", de: "Deutsch" };

/** @type {Record<string, string | Record<string, string>>} */
let words = {};
let plural = new Intl.PluralRules("en");

/** The language with the region of the browser, for the forms of dates. */
export let locale = "en";

/** The folders with texts that are loaded. */
const folders = [""];

/** Loads the texts of the chosen language, or of the first one of the browser that exists.
 * @param {string[]} more folders of areas, each ending with "/" */
export async function loadWords(...more) {
  folders.push(...more);
  const wanted = [localStorage.getItem("language"), ...navigator.languages, "en"];
  const found = wanted.map((tag) => tag?.slice(0, 2)).find((tag) => tag && tag in LANGUAGES) ?? "en";
  const load = async (folder) => (await fetch(new URL(`./${folder}words/${found}.json`, import.meta.url))).json();
  words = Object.assign({}, ...(await Promise.all(folders.map(load))));
  document.documentElement.lang = found;
  locale = navigator.languages.find((tag) => tag.startsWith(found)) ?? found;
  plural = new Intl.PluralRules(found);
}

/** @param {keyof typeof LANGUAGES} chosen */
export async function setLanguage(chosen) {
  localStorage.setItem("language", chosen);
  await loadWords();
  update((s) => s.revision++);
}

/** Returns the text of a key with its `{name}`s replaced. A text with plural forms is chosen by `values.n`.
 * @param {string} key @param {Record<string, unknown>} [values] */
export function t(key, values = {}) {
  const entry = words[key] ?? key;
  const text = typeof entry === "string" ? entry : (entry[plural.select(Number(values.n))] ?? entry.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** @param {string} key */
export const has = (key) => key in words;

/** Returns the text of the first key that has one. @param {string[]} keys */
export function say(...keys) {
  const key = keys.find(has);
  return key && t(key);
}
