// Dates and recurrences in words, in the user's time zone and language.
import { state } from "../state.js";
import { locale, t } from "../words.js";

const DAY = 86_400_000;
/** Formats by their options: making one takes longer than a hundred uses. @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();
/** Local times by instant: lists sort by them. @type {Map<string, string>} */
const locals = new Map();

const zone = () => state.user?.timezone ?? "UTC";

function format(date, options, where = locale) {
  const key = where + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(where, options)));
  return found.format(date);
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

/** Returns the instant of a local day and time. @param {string} day @param {string} time */
export function toInstant(day, time) {
  const wanted = Date.parse(`${day}T${time}Z`);
  let instant = wanted;
  // Twice, because the offset of the zone may differ between the two.
  for (let i = 0; i < 2; i++) instant += wanted - Date.parse(`${toLocal(new Date(instant).toISOString()).replace(" ", "T")}Z`);
  return new Date(instant).toISOString();
}

/** Returns the day that is `days` from today in the user's zone. */
export const today = (days = 0) => toLocal(new Date(state.now.getTime() + days * DAY).toISOString()).slice(0, 10);

/** Returns when a todo is due, as a text that sorts: a day, or a day and a time. @param {Todo} todo */
export const dueOf = (todo) => todo.due_date ?? (todo.due_at ? toLocal(todo.due_at) : "");

/** @param {Todo} todo */
export const dueDay = (todo) => dueOf(todo).slice(0, 10);

/** @param {Todo} todo */
export const isOverdue = ({ completed, due_at, due_date }) =>
  !completed && (due_at ? Date.parse(due_at) < +state.now : !!due_date && due_date < today());

/** Returns `Today`, `Friday`, `3 Feb` or `3 Feb 2031`. @param {string} day */
export function dayWords(day) {
  const date = new Date(day);
  const days = Math.round((+date - Date.parse(today())) / DAY);
  if (Math.abs(days) <= 1) {
    const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day");
    return words[0].toLocaleUpperCase(locale) + words.slice(1);
  }
  if (days > 1 && days < 7) return format(date, { timeZone: "UTC", weekday: "long" });
  const year = day.slice(0, 4) === today().slice(0, 4) ? undefined : "numeric";
  return format(date, { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year });
}

/** Returns `Today 17:00`. @param {string} instant */
export const timeWords = (instant) =>
  `${dayWords(toLocal(instant).slice(0, 10))} ${format(new Date(instant), { timeZone: zone(), timeStyle: "short" })}`;

/** @param {{due_date: string | null, due_at: string | null}} todo */
export const dueWords = ({ due_date, due_at }) => (due_at ? timeWords(due_at) : due_date ? dayWords(due_date) : "");

/** Returns `every 2 weeks on Monday and Friday`. @param {string} rule @param {string} [from] */
export function recurrenceWords(rule, from) {
  const parts = Object.fromEntries(rule.split(";").map((part) => part.split("=")));
  const isWorkdays = parts.BYDAY === "MO,TU,WE,TH,FR" && !parts.INTERVAL;
  const on = (items, name) => items && !isWorkdays && t("every.on", { days: list(items.split(",").map(name)) });
  return [
    isWorkdays ? t("every.workday") : t(`every.${parts.FREQ}`, { n: parts.INTERVAL ?? 1 }),
    on(parts.BYDAY, dayName),
    on(parts.BYMONTHDAY, (day) => (day === "-1" ? t("every.last_day") : t("every.day", { n: day }))),
    parts.COUNT && t("every.count", { n: parts.COUNT }),
    parts.UNTIL && t("every.until", { day: parts.UNTIL.replace(/^(....)(..)(..).*/, "$1-$2-$3") }),
    from === "completion" && t("every.from_completion"),
  ]
    .filter(Boolean)
    .join(" ");
}

const list = (items) => new Intl.ListFormat(locale).format(items);

/** @param {string} day `MO`, or `-1FR` for the last Friday */
function dayName(day) {
  const place = day.slice(0, -2);
  // 2024-01-01 was a Monday.
  const date = new Date(Date.UTC(2024, 0, 1 + ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].indexOf(day.slice(-2))));
  const name = new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" }).format(date);
  return place ? `${t(`every.place${place}`)} ${name}` : name;
}
