/** Judges the imports of all files by the table. Each fault says file, import and row. */

/**
 * @param {Map<string, { line: number, specifier: string, target: string | undefined }[]>} files
 * @param {readonly { of: string, asks: string, imports: readonly string[], packages: readonly string[] }[]} rows
 * @returns {string[]}
 */
export function judge(files, rows) {
  const walls = new Walls(rows);
  const faults = walls.faultsOfTable();
  const unknown = new Set();
  for (const [file, imports] of files) {
    const row = walls.rowOf(file);
    if (row === undefined) {
      unknown.add(folderOf(file));
      continue;
    }
    for (const { line, specifier, target } of imports) {
      if (target === undefined ? allows(row.packages, specifier) : walls.allowsFile(row, target)) continue;
      const what = target === undefined ? 'packages' : 'imports';
      const may = row[what].length === 0 ? 'none' : row[what].join(', ');
      const where = target === undefined ? '' : ` of ${walls.rowOf(target)?.of ?? 'no row'}`;
      faults.push(
        `${file}:${line} imports '${specifier}'${where}\n  against the row ${row.of} (${row.asks}) ${what}: ${may}`,
      );
    }
  }
  for (const folder of [...unknown].sort())
    faults.push(`${folder} has no row in scripts/walls/table.mjs: add one`);
  // Other trees, such as those of tests, are parts of a repository.
  if (files.has('scripts/walls/table.mjs')) faults.push(...walls.faultsOfEmptyRows(files.keys()));
  for (const circle of circlesOf(files)) faults.push(`circle: ${circle.join('\n  → ')}`);
  return faults;
}

class Walls {
  #rows;

  constructor(rows) {
    this.#rows = new Map(rows.map((row) => [row.of, row]));
  }

  /** The file's own row, that of the files of its folder, or that of the closest folder above it. */
  rowOf(file) {
    const own = this.#rows.get(file) ?? this.#rows.get(`${folderOf(file)}/*`);
    if (own !== undefined) return own;
    for (let folder = folderOf(file); folder !== '.'; folder = folderOf(folder)) {
      const row = this.#rows.get(folder);
      if (row !== undefined) return row;
    }
    return undefined;
  }

  allowsFile(row, target) {
    const other = this.rowOf(target);
    return other === row || (other !== undefined && allows(row.imports, other.of));
  }

  /** A row without a file was left behind when its folder moved. */
  faultsOfEmptyRows(files) {
    const used = new Set([...files].map((file) => this.rowOf(file)?.of));
    return [...this.#rows.keys()]
      .filter((of) => !used.has(of))
      .map((of) => `the row ${of} of scripts/walls/table.mjs matches no file: remove it`);
  }

  /** A row that names one that does not exist was left behind when a folder moved. */
  faultsOfTable() {
    return [...this.#rows.values()].flatMap(({ of, imports }) =>
      imports
        .filter((name) => !name.endsWith('*') && !this.#rows.has(name))
        .map((name) => `the row ${of} of scripts/walls/table.mjs names ${name}, which has no row`),
    );
  }
}

/** `a*` allows all that begin with `a`, where it is not the name of a row itself. */
function allows(allowed, name) {
  return allowed.some(
    (pattern) =>
      pattern === name ||
      (pattern.endsWith('*') && !pattern.endsWith('/*') && name.startsWith(pattern.slice(0, -1))),
  );
}

function folderOf(path) {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '.' : path.slice(0, slash);
}

/** One circle for each knot of files that import each other, by way of Tarjan's strongly connected components. */
function circlesOf(files) {
  const next = new Map([...files].map(([file, imports]) => [file, imports.flatMap((i) => i.target ?? [])]));
  const index = new Map();
  const low = new Map();
  const stack = [];
  const circles = [];
  const visit = (file) => {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    for (const other of next.get(file) ?? []) {
      if (!next.has(other)) continue;
      if (!index.has(other)) {
        visit(other);
        low.set(file, Math.min(low.get(file), low.get(other)));
      } else if (stack.includes(other)) low.set(file, Math.min(low.get(file), index.get(other)));
    }
    if (low.get(file) !== index.get(file)) return;
    const knot = new Set(stack.splice(stack.indexOf(file)));
    if (knot.size > 1 || next.get(file).includes(file)) circles.push(shortestCircle(file, knot, next));
  };
  for (const file of next.keys()) if (!index.has(file)) visit(file);
  return circles;
}

function shortestCircle(start, knot, next) {
  const from = new Map();
  const queue = [start];
  for (const file of queue) {
    for (const other of next.get(file)) {
      if (other === start) {
        const path = [start];
        for (let at = file; at !== start; at = from.get(at)) path.unshift(at);
        return [start, ...path];
      }
      if (!knot.has(other) || from.has(other)) continue;
      from.set(other, file);
      queue.push(other);
    }
  }
  return [start];
}
