// Links to the lists, projects and tags.
import { html } from "../vendor/lit-html/lit-html.js";
import { href } from "../router.js";
import { t } from "../words.js";

/** @param {State} state */
export const sidebar = (state) => html`
  <ul>
    ${["all", "trash", "settings"].map(
      (view) => html`
        <li>
          <a href=${href(view)} aria-current=${state.route.view === view ? "page" : "false"}>${t(`view.${view}`)}</a>
        </li>
      `,
    )}
  </ul>
`;
