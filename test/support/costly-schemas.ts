/** Each of so many definitions asks the next one twice. */
function doubling(levels: number, how: 'allOf' | 'anyOf', last: object): Record<string, unknown> {
  const twice = (n: number): object => ({
    [how]: [{ $ref: `#/$defs/l${n}` }, { $ref: `#/$defs/l${n}` }],
  });
  return Object.fromEntries(
    Array.from({ length: levels + 1 }, (_, n) => [`l${n}`, n === levels ? last : twice(n + 1)]),
  );
}

/** Legal, and never done with a data that has the member, whatever that is but a text. */
export const endlessSchema = (name: string): Record<string, unknown> => ({
  properties: { [name]: { $ref: '#/$defs/l0' } },
  $defs: doubling(60, 'anyOf', { type: 'string' }),
});

/** Finds half a million errors in a member that is not text. */
export const manyErrorsSchema = (name: string): Record<string, unknown> => ({
  properties: { [name]: { $ref: '#/$defs/l0' } },
  $defs: doubling(19, 'allOf', { type: 'string' }),
});
