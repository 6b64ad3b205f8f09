/** Fields that a schema does not know, with the name that was probably meant. */
import { z } from 'zod';
import { didYouMean } from '../lib/did-you-mean.ts';

/** `; there is no field objectve; did you mean objective?`: empty where every field is known. */
export function fieldHint(schema: z.ZodType | undefined, body: unknown): string {
  const issues = schema?.safeParse(body).error?.issues ?? [];
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const [key] = issue.keys;
    if (key === undefined) continue;
    const inner = issue.path.reduce<z.ZodType | undefined>(schemaAt, schema);
    const place = [...issue.path, key].map(String).join('.').slice(0, MAX_SHOWN_CHARS).toWellFormed();
    return `; there is no field ${place}${didYouMean(key, fieldsOf(inner))}`;
  }
  return '';
}

const MAX_SHOWN_CHARS = 100;

function schemaAt(schema: z.ZodType | undefined, step: PropertyKey): z.ZodType | undefined {
  const found = variantsOf(schema).map((each) => {
    if (each instanceof z.ZodObject) return each.shape[String(step)];
    return each instanceof z.ZodArray ? each.element : undefined;
  });
  return found.find((each): each is z.ZodType => each instanceof z.ZodType);
}

function fieldsOf(schema: z.ZodType | undefined): string[] {
  return variantsOf(schema).flatMap((each) => (each instanceof z.ZodObject ? Object.keys(each.shape) : []));
}

/** The schema behind options, defaults and unions. */
function variantsOf(schema: unknown): z.ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return variantsOf(schema.unwrap());
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => variantsOf(option));
  return schema instanceof z.ZodType ? [schema] : [];
}
