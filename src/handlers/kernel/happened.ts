/** The form of every event of ours. */
export interface Happened<Type extends string, Data> {
  readonly type: Type;
  /** The pool, agent, task, auction, vote, session or delegation that changed. */
  readonly id: string;
  readonly data: Data;
}
