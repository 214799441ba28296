import { keysOf } from './tree/keys.js';

/** A value's text. */
export interface PrintedValue {
  readonly text: string;
  /** False where the text was cut. */
  readonly isWhole: boolean;
}

/**
 * JSON text of a plain value, cut after about `most` characters; takes time in proportion to `most` only. BigInts are printed as
 * integers, NaN and Infinity as such. With `isPretty` it has line breaks.
 */
export function printValue(value: unknown, most: number, isPretty = false): PrintedValue {
  const printer = new BoundedPrinter(most, isPretty);
  printer.print(value, '');
  const isWhole = printer.text.length <= most;
  return { text: isWhole ? printer.text : printer.text.slice(0, most), isWhole };
}

/** The beginning of a value's text on one line, with an ellipsis where it was cut. */
export function previewValue(value: unknown, most: number): string {
  const { text, isWhole } = printValue(value, most);
  return isWhole ? text : `${text}…`;
}

class BoundedPrinter {
  text = '';
  readonly #most: number;
  readonly #isPretty: boolean;

  constructor(most: number, isPretty: boolean) {
    this.#most = most;
    this.#isPretty = isPretty;
  }

  print(value: unknown, indent: string): void {
    if (typeof value !== 'object' || value === null) this.text += this.#scalar(value);
    else if (Array.isArray(value)) this.#printAll('[', value.length, ']', indent, (index) => [undefined, value[index]]);
    else {
      const dict = value as Record<string, unknown>;
      const keys = keysOf(dict);
      this.#printAll('{', keys.length, '}', indent, (index) => [keys[index], dict[keys[index] as string]]);
    }
  }

  #printAll(
    open: string,
    count: number,
    close: string,
    indent: string,
    entry: (index: number) => [string | undefined, unknown],
  ): void {
    const deeper = this.#isPretty ? `${indent}  ` : '';
    const separator = this.#isPretty ? `\n${deeper}` : '';
    this.text += open;
    for (let index = 0; index < count; index++) {
      if (this.text.length > this.#most) return;
      const [key, value] = entry(index);
      this.text += index === 0 ? separator : `,${separator || ' '}`;
      if (key !== undefined) this.text += `${this.#scalar(key)}: `;
      this.print(value, deeper);
    }
    this.text += this.#isPretty && count > 0 ? `\n${indent}${close}` : close;
  }

  #scalar(value: unknown): string {
    if (typeof value !== 'string') return String(value);
    // A string that is cut here makes the whole text longer than it may be.
    return JSON.stringify(value.length > this.#most ? value.slice(0, this.#most + 1) : value);
  }
}
