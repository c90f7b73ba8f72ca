// Recurrence rules (RFC 5545) in words.
import { locale, t } from "../words.js";

const DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/** Returns `every 2 weeks on Monday and Friday`. @param {string} rule @param {string} [from] */
export function recurrenceWords(rule, from) {
  const parts = Object.fromEntries(rule.split(";").map((part) => part.split("=")));
  const days = parts.BYDAY?.split(",") ?? [];
  const isWorkdays = days.join() === "MO,TU,WE,TH,FR" && !parts.INTERVAL;
  const words = [isWorkdays ? t("every.workday") : t(`every.${parts.FREQ}`, { n: parts.INTERVAL ?? 1 })];
  if (days.length && !isWorkdays) words.push(t("every.on", { days: list(days.map(dayName)) }));
  if (parts.BYMONTHDAY) words.push(t("every.on", { days: list(parts.BYMONTHDAY.split(",").map(monthDay)) }));
  if (parts.COUNT) words.push(t("every.count", { n: parts.COUNT }));
  if (parts.UNTIL) words.push(t("every.until", { day: parts.UNTIL.replace(/^(....)(..)(..).*/, "$1-$2-$3") }));
  if (from === "completion") words.push(t("every.from_completion"));
  return words.join(" ");
}

/** @param {string[]} items */
const list = (items) => new Intl.ListFormat(locale).format(items);

/** @param {string} day `MO`, or `-1FR` for the last Friday */
function dayName(day) {
  const place = day.slice(0, -2);
  // 2024-01-01 was a Monday.
  const date = new Date(Date.UTC(2024, 0, 1 + DAYS.indexOf(day.slice(-2))));
  const name = new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" }).format(date);
  return place ? `${t(`every.place${place}`)} ${name}` : name;
}

/** @param {string} day */
const monthDay = (day) => (day === "-1" ? t("every.last_day") : t("every.day", { n: day }));
