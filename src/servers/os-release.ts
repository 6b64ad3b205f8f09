/** The Linux distribution according to /etc/os-release. */
export interface OsRelease {
  /** `debian`, `ubuntu`, `alpine`, … */
  readonly id: string;
  /** The distributions it derives from. */
  readonly idLike: readonly string[];
}

export function parseOsRelease(text: string): OsRelease {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^([A-Z_]+)=["']?(.*?)["']?$/.exec(line.trim()) ?? [];
    if (key !== undefined && value !== undefined) values.set(key, value);
  }
  return {
    id: values.get('ID') ?? '',
    idLike: (values.get('ID_LIKE') ?? '').split(' ').filter((id) => id !== ''),
  };
}
