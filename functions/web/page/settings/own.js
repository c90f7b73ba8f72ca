// What the sections have besides lists and plain forms.
import { hasPasskeys, makePasskey } from "../account/proofs.js";
import { apiUrl, request } from "../api/client.js";
import { html, svg } from "../vendor/lit-html/lit-html.js";
import { area } from "../areas.js";
import { signedIn, signedOut } from "../session.js";
import { state } from "../state.js";
import { form } from "../ui/form.js";
import { LANGUAGES, locale, setLanguage, t } from "../words.js";

const CHANNELS = ["mail", "push", "webhook"];
const DAY_MILLISECONDS = 86_400_000;
const MEGABYTE = 1_048_576;
const root = document.documentElement;

/** Forms whose fields have values, or whose request needs work. @type {Record<string, SettingsForm>} */
export const forms = {
  profile: {
    values: ({ user }) => user,
    send: async (body) => signedIn(await request("PATCH", "auth/me", { body })),
  },
  app: { canUse: () => Boolean(state.settings.totp) },
  passkey: {
    canUse: hasPasskeys,
    send: async ({ name }) => request("POST", "auth/passkeys", { body: { name, credential: await makePasskey() } }),
  },
  token: {
    send: ({ days, may_delete_unasked, ...body }) => {
      const expires_at = days && new Date(Date.now() + days * DAY_MILLISECONDS).toISOString();
      return request("POST", "auth/tokens", { body: { ...body, expires_at, may_delete_unasked: !!may_delete_unasked[0] } });
    },
  },
  reminders: {
    values: ({ channels }) => ({ channels: CHANNELS.filter((name) => channels[name]), ...channels.quiet_hours }),
    send: ({ channels, start, end }) => {
      const chosen = Object.fromEntries(CHANNELS.map((name) => [name, channels.includes(name)]));
      return request("PUT", "reminders/channels", { body: { ...chosen, quiet_hours: start && end && { start, end } } });
    },
  },
  push: { canUse: () => "PushManager" in globalThis, send: subscribe },
  close: {
    send: async (body) => {
      await request("POST", "auth/close-account", { body });
      await signedOut(true);
    },
  },
};

/** Lets this browser get reminders. The service worker shows them. */
async function subscribe() {
  const { key } = await request("GET", "reminders/push-key");
  const { pushManager } = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const subscription = await pushManager.subscribe(options).catch(() => Promise.reject({ code: "push_denied" }));
  return request("POST", "reminders/push-subscriptions", { body: subscription.toJSON() });
}

/** One square of the path for each dark module. The light edge of four modules belongs to the code. */
function draw(code) {
  let path = "";
  for (let y = 0; y < code.size; y++) for (let x = 0; x < code.size; x++) if (code.get(x, y)) path += `M${x} ${y}h1v1h-1z`;
  return { size: code.size + 8, path };
}

function qrCode(totp) {
  const generate = area("qr")?.generate;
  if (!generate) return "";
  const { size, path } = (totp.drawn ??= draw(generate(totp.provisioning_uri))); // once, as long as the key is the same
  return html`<svg class="qr" role="img" aria-label=${t("settings.app.qr")} viewBox=${`-4 -4 ${size} ${size}`}>${svg`<path d=${path} />`}</svg>`;
}

/** @type {Record<string, (data: any, button: SettingsButton) => unknown>} */
export const views = {
  email: ({ user }) => html`
    <p>${user.email} <span class="badge">${t(user.email_verified ? "settings.verified" : "settings.unverified")}</span></p>
    ${user.email_verified ? "" : form("verify")}
  `,
  app({ factor }, button) {
    const { totp } = state.settings;
    if (factor.totp) return html`<p>${t("settings.app.on")}</p><p>${button("remove", () => request("DELETE", "auth/second-factor/totp"), t("settings.app"), true)}</p>`;
    if (!totp) return html`<p>${t("settings.app.off")}</p><p>${button("set-up", () => request("POST", "auth/second-factor/totp"))}</p>`;
    return html`
      ${qrCode(totp)}
      <p>${t("settings.app.type")} <a href=${totp.provisioning_uri}>${t("settings.app.open")}</a></p>
      <pre tabindex="0"><code>${totp.secret.replace(/.{4}/g, "$& ")}</code></pre>
    `;
  },
  codes: ({ factor }, button) =>
    factor.totp || factor.passkeys
      ? html`
          <h3>${t("settings.codes")}</h3>
          <p>${t("settings.codes.left", { n: factor.recovery_codes })}</p>
          <p>${button("renew", () => request("POST", "auth/second-factor/recovery-codes"))}</p>
        `
      : "",
  others: ({ sessions }, button) =>
    sessions.length > 1
      ? html`<p>${button("end-others", async () => {
          for (const { id, current } of sessions) if (!current) await request("DELETE", `auth/sessions/${id}`);
        })}</p>`
      : "",
  usage: ({ usage }) => html`
    <ul class="usage">
      ${Object.entries(usage).map(
        ([name, { used, limit }]) => html`
          <li>
            <label for=${name}>${t(`usage.${name}`)}</label>
            <span>${t("usage.of", { used: amount(name, used), limit: amount(name, limit) })}</span>
            <progress id=${name} max=${limit} value=${used}></progress>
          </li>
        `,
      )}
    </ul>
  `,
  export: () => html`<p>${t("settings.export.text")}</p><p><a class="button" href=${apiUrl("auth/me/export")} download="todos.json">${t("settings.export")}</a></p>`,
  warning: () => html`<p>${t("settings.close.warning")}</p>`,
  look: () => html`
    <div class="field">
      <label for="language">${t("settings.language")}</label>
      <select id="language" @change=${({ target }) => setLanguage(target.value)}>
        ${Object.entries(LANGUAGES).map(([tag, name]) => html`<option value=${tag} lang=${tag} ?selected=${tag === root.lang}>${name}</option>`)}
      </select>
    </div>
    <fieldset class="field" @change=${({ target }) => setTheme(target.value)}>
      <legend class="label">${t("settings.theme")}</legend>
      ${["system", "light", "dark"].map(
        (name) => html`
          <label class="check-field">
            <input type="radio" name="theme" value=${name} ?checked=${name === root.dataset.theme}> ${t(`settings.theme.${name}`)}
          </label>
        `,
      )}
    </fieldset>
  `,
};

/** early.js sets the stored theme before the first paint. */
function setTheme(chosen) {
  localStorage.setItem("theme", chosen);
  root.dataset.theme = chosen;
}

function amount(name, value) {
  const format = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  return name === "stored_bytes" ? `${format.format(value / MEGABYTE)} MB` : format.format(value);
}

// Edge and Opera also name Chrome, and Chrome names Safari, so that the order decides.
const BROWSERS = ["Firefox", "Edg", "OPR", "Chrome", "Safari", "curl"];
const SYSTEMS = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"];

/** Names the browser and the system of a user agent. @param {string | null} agent */
export function browserName(agent) {
  const names = [BROWSERS, SYSTEMS].map((list) => list.find((name) => agent?.includes(name)));
  return names.filter(Boolean).join(", ") || agent || t("settings.unknown");
}
