import type { Ajv2020 } from 'ajv/dist/2020';
import { resolveRef } from 'ajv/dist/compile';
import { _, Name } from 'ajv/dist/compile/codegen';
import names from 'ajv/dist/compile/names';
import { alwaysValidSchema, Type } from 'ajv/dist/compile/util';
import type { KeywordCxt } from 'ajv/dist/compile/validate';
import type { CodeKeywordDefinition } from 'ajv/dist/types';

/*
 * Replaces how ajv keeps track of what a schema has evaluated in an object or list, for `unevaluatedProperties` and
 * `unevaluatedItems`: in part while it generates code, in part in variables that it declares only where a branch
 * holds (ajv's issue 2559), or that another function owns. Here each schema whose evaluation depends on the data
 * has its own variables from the start: `props`, names of fields or indexes of items, and `items`, the number of
 * items from the first; `true` for all.
 */

/**
 * Keywords that make what is evaluated depend on the data, or on another schema. `properties` are not evaluated in
 * a list.
 */
const DYNAMIC = [
  '$ref',
  '$dynamicRef',
  'allOf',
  'anyOf',
  'oneOf',
  'if',
  'contains',
  'dependencies',
  'dependentSchemas',
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
];

/** An instance's own definition of a keyword, which may be changed. */
const definitionOf = (ajv: Ajv2020, keyword: string): CodeKeywordDefinition =>
  ajv.getKeyword(keyword) as CodeKeywordDefinition;

/** In a single schema without `$id`, a dynamic reference leads where a static one does. */
export function useStaticReferences(ajv: Ajv2020): void {
  const definition = definitionOf(ajv, '$dynamicRef');
  const { code } = definition;
  definition.code = (cxt) => {
    const { baseId, schemaEnv } = cxt.it;
    const reference = cxt.schema as string;
    const leads =
      /^#\/?$/.test(reference) || resolveRef.call(ajv, schemaEnv.root, baseId, reference);
    // Types that were stored when this was not checked work as before: ajv's refers to the schema itself.
    (leads ? definitionOf(ajv, '$ref') : { code }).code(cxt);
  };
}

/** Where ajv stops at the first error, it would also stop at the end of a list shorter than `prefixItems`. */
export function useShortLists(ajv: Ajv2020): void {
  const definition = definitionOf(ajv, 'prefixItems');
  const { code } = definition;
  definition.code = (cxt) => code(Object.assign(cxt, { allErrors: true }));
}

export function useOwnEvaluation(ajv: Ajv2020): void {
  ajv.addKeyword({ keyword: 'evaluated', before: '$dynamicAnchor', code: declare });
  // Runs where any of them is. As an argument above it would define them anew.
  definitionOf(ajv, 'evaluated').implements = DYNAMIC;
  definitionOf(ajv, 'if').code = ifCode;
  definitionOf(ajv, 'contains').code = containsCode;
  Object.assign(definitionOf(ajv, 'unevaluatedItems'), {
    code: unevaluatedItemsCode,
    trackErrors: true,
  });
  for (const keyword of ['additionalProperties', 'unevaluatedProperties']) {
    const definition = definitionOf(ajv, keyword);
    const { code } = definition;
    // While generating code, ajv says that all is evaluated, which is true only of objects.
    definition.code = (cxt) => {
      const { props } = cxt.it;
      code(cxt);
      if (!(props instanceof Name)) return;
      cxt.gen.assign(props, true);
      cxt.it.props = props;
    };
  }
}

function declare({ gen, it }: KeywordCxt): void {
  // Without a prototype: fields may be called `constructor`.
  it.props = gen.var('props', _`Object.create(null)`);
  it.items = gen.var('items', 0);
}

/** As ajv's, but what the condition evaluates counts only where it holds, even without `then` and `else`. */
function ifCode(cxt: KeywordCxt): void {
  const { gen, it } = cxt;
  const valid = gen.let('valid', true);
  const holds = gen.name('_valid');
  const ifClause = gen.let('ifClause');
  cxt.setParams({ ifClause });
  const condition = cxt.subschema(
    { keyword: 'if', compositeRule: true, createErrors: false, allErrors: false },
    holds,
  );
  cxt.reset();
  cxt.mergeValidEvaluated(condition, holds);
  const clause = (keyword: string) => () => {
    if (it.schema[keyword] === undefined) return;
    const clauseValid = gen.name('_valid');
    const inner = cxt.subschema({ keyword }, clauseValid);
    gen.assign(valid, clauseValid);
    cxt.mergeValidEvaluated(inner, clauseValid);
    gen.assign(ifClause, _`${keyword}`);
  };
  gen.if(holds, clause('then'), clause('else'));
  cxt.pass(valid, () => cxt.error(true));
}

/** As ajv's, but evaluates the items that match. */
function containsCode(cxt: KeywordCxt): void {
  const { gen, data, parentSchema, it } = cxt;
  const min = (parentSchema.minContains as number | undefined) ?? 1;
  const max = parentSchema.maxContains as number | undefined;
  cxt.setParams({ min, max });
  const matches = gen.name('_valid');
  const count = gen.let('count', 0);
  gen.forRange('i', 0, _`${data}.length`, (i) => {
    cxt.subschema(
      { keyword: 'contains', dataProp: i, dataPropType: Type.Num, compositeRule: true },
      matches,
    );
    gen.if(matches, () => gen.code(_`${count}++`).assign(_`${it.props as Name}[${i}]`, true));
  });
  const fits = _`${count} >= ${min}`;
  cxt.result(max === undefined ? fits : _`${fits} && ${count} <= ${max}`, () => cxt.reset());
}

function unevaluatedItemsCode(cxt: KeywordCxt): void {
  const { gen, data, schema, it, errsCount } = cxt;
  const { items = 0, props } = it;
  it.items = true;
  if (items === true || alwaysValidSchema(it, schema as object | boolean)) return;
  const valid = gen.name('valid');
  gen.if(_`${items} !== true`, () =>
    gen.forRange('i', items, _`${data}.length`, (i) => {
      const check = (): void =>
        void cxt.subschema(
          { keyword: 'unevaluatedItems', dataProp: i, dataPropType: Type.Num },
          valid,
        );
      if (props instanceof Name) gen.if(_`!${props}[${i}]`, check);
      else check();
    }),
  );
  cxt.ok(_`${errsCount} === ${names.errors}`);
}
