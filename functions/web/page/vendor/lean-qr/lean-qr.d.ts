// The part that the page uses. The package declares its types for imports by name only.
export function generate(text: string): { readonly size: number; get(x: number, y: number): boolean };
