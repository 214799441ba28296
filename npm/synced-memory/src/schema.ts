import { optionsError, type SyncedMemoryError, syncedError } from './errors.js';
import type { Check } from './mirror.js';

/** What is wrong with a value, as Standard Schema has it. */
interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type Verdict = { readonly issues?: readonly Issue[] | undefined };

/** A validator by the Standard Schema (https://standardschema.dev), version 1: of zod, valibot, arktype and others. */
export interface StandardSchema<Input = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Verdict | Promise<Verdict>;
    readonly types?: { readonly input: Input; readonly output: unknown } | undefined;
  };
}

/** Validators by attribute. */
export type Schemas = Readonly<Record<string, StandardSchema>>;

/** The attributes that validators describe. What is stored is what they take, not what they make of it. */
export type StateOf<S extends Schemas> = {
  [Name in keyof S]: NonNullable<S[Name]['~standard']['types']>['input'];
};

/** The check that these validators make; undefined where there are none. Throws ERR_OPTIONS. */
export function checkBy(schemas: Schemas | undefined): Check | undefined {
  if (schemas === undefined) return undefined;
  if (typeof schemas !== 'object' || schemas === null) {
    throw optionsError('schema must be an object of validators by attribute');
  }
  for (const [name, schema] of Object.entries(schemas)) {
    if (typeof Object(Object(schema)['~standard']).validate === 'function') continue;
    throw optionsError(`schema.${name} is no Standard Schema, such as zod, valibot and arktype make`);
  }
  return (name, value) => {
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    return schema && refusal(name, schema['~standard'].validate(value));
  };
}

function refusal(name: string, verdict: Verdict | Promise<Verdict>): SyncedMemoryError | undefined {
  if (verdict instanceof Promise) {
    verdict.catch(() => {});
    return syncedError('ERR_SCHEMA', 'its schema decides asynchronously; a mutation cannot wait for that', name);
  }
  const issue = verdict.issues?.[0];
  if (issue === undefined) return undefined;
  const path = (issue.path ?? []).map((step) => {
    const key = typeof step === 'object' ? step.key : step;
    return typeof key === 'number' ? key : String(key);
  });
  return syncedError('ERR_SCHEMA', issue.message, name, path);
}
