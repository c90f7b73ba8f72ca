// Recurrence rules (RFC 5545) in words.
import { locale, t } from "../words.js";

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
