// Reads as much of a wasm module as tells how large its functions are.

const IMPORTS = 2;
const CODE = 10;
const CUSTOM = 0;
const FUNCTION_IMPORT = 0;
const FUNCTION_NAMES = 1;

class Reader {
  /** Behind the magic number and the version. */
  at = 8;

  constructor(bytes) {
    this.bytes = bytes;
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** An unsigned LEB128. */
  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }
}

/** Name and size in bytes of each function that the module defines. */
export function functionSizes(bytes) {
  const reader = new Reader(bytes);
  const sizes = [];
  const names = new Map();
  let imported = 0;
  while (reader.at < bytes.length) {
    const section = reader.byte();
    const size = reader.number();
    const end = reader.at + size;
    if (section === IMPORTS) imported = importedFunctions(reader);
    else if (section === CODE) readSizes(reader, sizes);
    else if (section === CUSTOM && reader.text() === 'name') readNames(reader, end, names);
    reader.at = end;
  }
  return sizes.map((size, index) => ({ name: names.get(index + imported) ?? '?', size }));
}

function importedFunctions(reader) {
  let functions = 0;
  for (let left = reader.number(); left > 0; left--) {
    reader.text();
    reader.text();
    // wasm-bindgen imports nothing else; anything else would have to be skipped.
    if (reader.byte() !== FUNCTION_IMPORT) throw new Error('the module imports more than functions');
    reader.number();
    functions++;
  }
  return functions;
}

function readSizes(reader, sizes) {
  for (let left = reader.number(); left > 0; left--) {
    const size = reader.number();
    sizes.push(size);
    reader.at += size;
  }
}

function readNames(reader, end, names) {
  while (reader.at < end) {
    const kind = reader.byte();
    const size = reader.number();
    const next = reader.at + size;
    if (kind === FUNCTION_NAMES) {
      for (let left = reader.number(); left > 0; left--) names.set(reader.number(), reader.text());
    }
    reader.at = next;
  }
}
