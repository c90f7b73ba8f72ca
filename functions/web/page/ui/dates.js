// Dates in words, in the user's time zone and language.
import { state } from "../state.js";
import { locale } from "../words.js";

const DAY = 86_400_000;
/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();
/** @type {Map<string, string>} */
const locals = new Map();

const zone = () => state.user?.timezone ?? "UTC";

/** @param {Date} date @param {Intl.DateTimeFormatOptions} options @param {string} [where] */
function format(date, options, where = locale) {
  const key = JSON.stringify([where, options]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(where, options));
  return /** @type {Intl.DateTimeFormat} */ (formats.get(key)).format(date);
}

/** Returns an instant as `2030-01-31 17:00` in the user's zone: texts that sort, and sort with days.
 * @param {string} instant */
export function toLocal(instant) {
  const key = zone() + instant;
  let local = locals.get(key);
  if (!local) {
    local = format(new Date(instant), { timeZone: zone(), dateStyle: "short", timeStyle: "short" }, "sv");
    locals.set(key, local);
  }
  return local;
}

/** Returns the instant of a local day and time. Twice, because the offset may differ between the two.
 * @param {string} day @param {string} time */
export function toInstant(day, time) {
  const wanted = Date.parse(`${day}T${time}Z`);
  let instant = wanted;
  for (let i = 0; i < 2; i++) instant += wanted - Date.parse(`${toLocal(new Date(instant).toISOString()).replace(" ", "T")}Z`);
  return new Date(instant).toISOString();
}

/** Returns the day `days` from today in the user's zone. */
export const today = (days = 0) => toLocal(new Date(state.now.getTime() + days * DAY).toISOString()).slice(0, 10);

/** Returns when a todo is due, as a text that sorts: a day, or a day and a time. @param {Todo} todo */
export const dueOf = (todo) => todo.due_date ?? (todo.due_at ? toLocal(todo.due_at) : "");

/** @param {Todo} todo */
export function isOverdue(todo) {
  if (todo.completed) return false;
  return todo.due_at ? Date.parse(todo.due_at) < +state.now : !!todo.due_date && todo.due_date < today();
}

/** Returns `Today`, `Friday`, `3 Feb` or `3 Feb 2031`. @param {string} day */
export function dayWords(day) {
  const date = new Date(day);
  const days = Math.round((date.getTime() - Date.parse(today())) / DAY);
  if (Math.abs(days) <= 1) {
    const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day");
    return words[0].toLocaleUpperCase(locale) + words.slice(1);
  }
  if (days > 1 && days < 7) return format(date, { timeZone: "UTC", weekday: "long" });
  const isThisYear = day.slice(0, 4) === today().slice(0, 4);
  return format(date, { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: isThisYear ? undefined : "numeric" });
}

/** Returns `Today 17:00`. @param {string} instant */
export const timeWords = (instant) =>
  `${dayWords(toLocal(instant).slice(0, 10))} ${format(new Date(instant), { timeZone: zone(), timeStyle: "short" })}`;

/** @param {{due_date: string | null, due_at: string | null}} todo */
export const dueWords = ({ due_date, due_at }) => (due_at ? timeWords(due_at) : due_date ? dayWords(due_date) : "");
