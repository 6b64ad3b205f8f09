/** What every source file imports: types, re-exports and `import()` count as much as values. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

const SOURCE = /\.(ts|mts|js|mjs)$/;
/** Folders that hold nothing written by hand. */
const PASSED_OVER = new Set(['node_modules', 'dist', 'coverage', 'reports']);

/**
 * @typedef {{ line: number, specifier: string, target: string | undefined }} Import `target` is a file of this
 * repository; undefined where a package is imported.
 * @param {string} root
 * @returns {Map<string, Import[]>} by file, both as paths from the root
 */
export function readImports(root) {
  return new Map(sourceFiles(root, '').map((file) => [file, importsOf(root, file)]));
}

function sourceFiles(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory())
        return entry.name.startsWith('.') || PASSED_OVER.has(entry.name) ? [] : sourceFiles(root, path);
      return SOURCE.test(entry.name) ? [path] : [];
    })
    .sort();
}

function importsOf(root, file) {
  const text = readFileSync(join(root, file), 'utf8');
  const { module, program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`could not parse ${file}: ${errors[0].message}`);
  const found = new Map();
  const note = (specifier, at) => {
    if (found.has(specifier)) return;
    const line = text.slice(0, at).split('\n').length;
    const isFile = specifier.startsWith('.');
    const target = isFile ? posix.join(posix.dirname(file), specifier) : undefined;
    found.set(specifier, { line, specifier, target });
  };
  for (const { moduleRequest } of module.staticImports) note(moduleRequest.value, moduleRequest.start);
  for (const { entries } of module.staticExports)
    for (const { moduleRequest } of entries)
      if (moduleRequest) note(moduleRequest.value, moduleRequest.start);
  if (text.includes('import(')) {
    const noteSource = (node) => note(node.source.value ?? 'computed', node.start);
    new Visitor({ ImportExpression: noteSource, TSImportType: noteSource }).visit(program);
  }
  return [...found.values()];
}
