// Reads the names and sizes of the functions in a wasm module.

const CUSTOM_SECTION = 0;
const IMPORT_SECTION = 2;
const CODE_SECTION = 10;
const FUNCTION_IMPORT = 0;
const FUNCTION_NAMES = 1;
/** Length of the magic number and the version before the first section. */
const HEADER_BYTES = 8;

class Reader {
  position = HEADER_BYTES;

  constructor(bytes) {
    this.bytes = bytes;
  }

  byte() {
    return this.bytes[this.position++];
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
    this.position += length;
    return this.bytes.toString('utf8', this.position - length, this.position);
  }
}

/** Name and size in bytes of each function that the module defines. */
export function functionSizes(bytes) {
  const reader = new Reader(bytes);
  const sizes = [];
  const names = new Map();
  let imported = 0;
  while (reader.position < bytes.length) {
    const section = reader.byte();
    const size = reader.number();
    const end = reader.position + size;
    if (section === IMPORT_SECTION) imported = countImportedFunctions(reader);
    else if (section === CODE_SECTION) readSizes(reader, sizes);
    else if (section === CUSTOM_SECTION && reader.text() === 'name') readNames(reader, end, names);
    reader.position = end;
  }
  return sizes.map((size, index) => ({ name: names.get(index + imported) ?? '?', size }));
}

function countImportedFunctions(reader) {
  let functions = 0;
  for (let left = reader.number(); left > 0; left--) {
    reader.text();
    reader.text();
    // wasm-bindgen imports functions only; the other kinds of import are encoded differently.
    if (reader.byte() !== FUNCTION_IMPORT) throw new Error('the module imports something other than functions');
    reader.number();
    functions++;
  }
  return functions;
}

function readSizes(reader, sizes) {
  for (let left = reader.number(); left > 0; left--) {
    const size = reader.number();
    sizes.push(size);
    reader.position += size;
  }
}

function readNames(reader, end, names) {
  while (reader.position < end) {
    const kind = reader.byte();
    const size = reader.number();
    const next = reader.position + size;
    if (kind === FUNCTION_NAMES) {
      for (let left = reader.number(); left > 0; left--) names.set(reader.number(), reader.text());
    }
    reader.position = next;
  }
}
