/** The names that the package exports, followed to where each is declared: what it is, and what says so to its users. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Comment, type Program, parseSync, type Statement, type StaticExportEntry } from 'oxc-parser';

export interface PublicName {
  readonly name: string;
  readonly kind: 'class' | 'function' | 'const' | 'interface' | 'type';
  /** Of it and its public members, those without a comment of their own; `''` is the name itself. */
  readonly undocumented: readonly string[];
}

interface Source {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
  readonly exports: readonly StaticExportEntry[];
}

const sources = new Map<string, Source>();

function sourceOf(path: string): Source {
  const known = sources.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(path, 'utf8');
  const { program, comments, module } = parseSync(path, text);
  const source = { path, text, program, comments, exports: module.staticExports.flatMap((e) => e.entries) };
  sources.set(path, source);
  return source;
}

/** Every name of an entry of the package, in alphabetical order. */
export function publicSurface(entry: string): readonly PublicName[] {
  const source = sourceOf(entry);
  return source.exports
    .map(({ exportName, importName, moduleRequest }) => {
      if (exportName.name === null || importName.name === null || moduleRequest === null)
        throw new Error(`${entry} exports something that is not one name of another file`);
      const declared = declarationOf(besides(source, moduleRequest.value), importName.name);
      return { name: exportName.name, ...declared };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function besides(source: Source, specifier: string): Source {
  return sourceOf(join(dirname(source.path), specifier));
}

function declarationOf(source: Source, name: string): Omit<PublicName, 'name'> {
  for (const statement of source.program.body) {
    const declared = declaredBy(source, statement, name);
    if (declared !== undefined) return declared;
  }
  const passedOn = source.exports.find((entry) => entry.exportName.name === name);
  if (passedOn?.moduleRequest == null || passedOn.importName.name === null)
    throw new Error(`${source.path} does not declare ${name}`);
  return declarationOf(besides(source, passedOn.moduleRequest.value), passedOn.importName.name);
}

function declaredBy(
  source: Source,
  statement: Statement,
  name: string,
): Omit<PublicName, 'name'> | undefined {
  if (statement.type !== 'ExportNamedDeclaration' || statement.declaration === null) return undefined;
  const { declaration } = statement;
  const own = isDocumented(source, statement.start) ? [] : [''];
  switch (declaration.type) {
    case 'ClassDeclaration': {
      if (declaration.id?.name !== name) return undefined;
      // Said once, where it is declared first: editors show that.
      const inherited = new Set(declaration.superClass === null ? [] : ['kind', 'name']);
      const undocumented = declaration.body.body.flatMap((member) => {
        if (member.type !== 'MethodDefinition' && member.type !== 'PropertyDefinition') return [];
        if (member.key.type !== 'Identifier' || member.key.name === 'constructor') return [];
        if (
          inherited.has(member.key.name) ||
          member.accessibility === 'private' ||
          isDocumented(source, member.start)
        )
          return [];
        return [member.key.name];
      });
      return { kind: 'class', undocumented: [...own, ...new Set(undocumented)] };
    }
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
      return declaration.id?.name === name ? { kind: 'function', undocumented: own } : undefined;
    case 'TSInterfaceDeclaration':
      return declaration.id.name === name ? { kind: 'interface', undocumented: own } : undefined;
    case 'TSTypeAliasDeclaration':
      return declaration.id.name === name ? { kind: 'type', undocumented: own } : undefined;
    case 'VariableDeclaration': {
      const isIt = declaration.declarations.some(({ id }) => id.type === 'Identifier' && id.name === name);
      return isIt ? { kind: 'const', undocumented: own } : undefined;
    }
    default:
      return undefined;
  }
}

/** A comment of the form that editors show stands right before it. */
function isDocumented({ text, comments }: Source, start: number): boolean {
  return comments.some(
    ({ value, end }) => value.startsWith('*') && end < start && text.slice(end, start).trim() === '',
  );
}
