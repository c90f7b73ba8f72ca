// The part of lit-html's types that the page uses.
export interface TemplateResult {
  readonly strings: TemplateStringsArray;
  readonly values: unknown[];
}
export function html(strings: TemplateStringsArray, ...values: unknown[]): TemplateResult;
export function render(value: unknown, container: HTMLElement, options?: { host?: object }): object;
export const nothing: unique symbol;
