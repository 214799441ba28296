// Writes the TypeScript types of the addon from what napi-derive noted while the addon was compiled.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './command.mjs';
import { root, targetFolder } from './paths.mjs';

const typesFile = join(root, 'npm/synced-memory/src/engine/addon/addon-types.ts');

/** The folder in which napi-derive notes types, one JSON object a line, in a file named for the crate. */
export const notesFolder = join(targetFolder, 'napi-types');
const notesFile = join(notesFolder, 'synced-memory-node');

/** The environment for cargo that makes napi-derive note types. */
export const notingTypes = { NAPI_TYPE_DEF_TMP_FOLDER: notesFolder };

/** Makes cargo compile the addon again where there are no notes: napi-derive writes them only then. */
export function requireNotes() {
  mkdirSync(notesFolder, { recursive: true });
  if (!existsSync(notesFile)) run('cargo', ['clean', '--quiet', '--release', '-p', 'synced-memory-node']);
}

/** Brings the committed types up to date. Returns false where they were. */
export function writeAddonTypes() {
  const text = typesText(readFileSync(notesFile, 'utf8'));
  if (existsSync(typesFile) && readFileSync(typesFile, 'utf8') === text) return false;
  mkdirSync(dirname(typesFile), { recursive: true });
  writeFileSync(typesFile, text);
  return true;
}

/** @param {string} notes */
function typesText(notes) {
  const items = notes
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const types = items
    .filter(({ kind }) => kind !== 'fn')
    .map((item) => `${item.js_doc ?? ''}export ${declaration(item)}\n`);
  const functions = items.filter(({ kind }) => kind === 'fn').map((item) => `${item.js_doc ?? ''}${method(item)}`);
  return `// Generated from crates/node by scripts/addon-types.mjs; not to be edited.

${types.join('\n')}
/** The functions of the addon. */
export interface Addon {
${indented(functions.join('\n'))}
}
`;
}

function declaration({ kind, name, def }) {
  if (kind === 'interface') return `interface ${name} {\n${indented(def.replaceAll(/^(?! ?[/*]).*$/gm, '$&;'))}\n}`;
  // `Name = 'text'` for each variant.
  if (kind === 'string_enum') return `type ${name} = ${[...def.matchAll(/'.*?'/g)].join(' | ')};`;
  throw new Error(`addon-types.mjs knows no ${kind}: ${name}`);
}

const method = ({ def }) => `${def.replace(/^function /, '')};`;

const indented = (text) => text.replaceAll(/^(?=.)/gm, '  ');
