import { optionsError, type SyncedMemoryError, syncedError } from '../base/errors.js';
import type { Validator } from '../mirror/mirror.js';

/** One error that a validator found. */
interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The result of a validation. It is valid without issues. */
type ValidationResult = { readonly issues?: readonly Issue[] | undefined };

/** A validator that implements Standard Schema (https://standardschema.dev), version 1: of zod, valibot, arktype and others. */
export interface StandardSchema<Input = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => ValidationResult | Promise<ValidationResult>;
    readonly types?: { readonly input: Input; readonly output: unknown } | undefined;
  };
}

/** Validators by attribute. */
export type Schemas = Readonly<Record<string, StandardSchema>>;

/** The attributes that validators describe. They have the input types: transformations of a validator are not stored. */
export type StateOf<S extends Schemas> = {
  [Name in keyof S]: NonNullable<S[Name]['~standard']['types']>['input'];
};

/** The validator of a mirror; undefined without schemas. Throws ERR_OPTIONS if one of them is not a Standard Schema. */
export function createValidator(schemas: Schemas | undefined): Validator | undefined {
  if (schemas === undefined) return undefined;
  if (typeof schemas !== 'object' || schemas === null) {
    throw optionsError('schema must be an object of validators by attribute');
  }
  if ('~standard' in schemas)
    throw optionsError('schema takes one validator per attribute: pass its .shape or .entries');
  for (const [name, schema] of Object.entries(schemas)) {
    if (typeof Object(Object(schema)['~standard']).validate === 'function') continue;
    throw optionsError(`schema.${name} is not a Standard Schema; make it with zod, valibot or arktype`);
  }
  return (name, value) => {
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    return schema && validate(name, schema, value);
  };
}

function validate(name: string, schema: StandardSchema, value: unknown): SyncedMemoryError | undefined {
  try {
    return toError(name, schema['~standard'].validate(value));
  } catch (error) {
    return syncedError('ERR_SCHEMA', `its schema threw (${error}) instead of returning issues`, name);
  }
}

function toError(name: string, result: ValidationResult | Promise<ValidationResult>): SyncedMemoryError | undefined {
  if (result instanceof Promise) {
    result.catch(() => {});
    const detail = 'its schema validates asynchronously, and a mutation cannot wait; use a synchronous schema';
    return syncedError('ERR_SCHEMA', detail, name);
  }
  const issue = result.issues?.[0];
  if (issue === undefined) return undefined;
  const path = (issue.path ?? []).map((step) => {
    const key = typeof step === 'object' ? step.key : step;
    return typeof key === 'number' ? key : String(key);
  });
  return syncedError('ERR_SCHEMA', issue.message, name, path);
}
