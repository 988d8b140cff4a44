// What a session has in the provider's table, and the changes that bring it about (see ruleset.ts).

/** Names of the kernel objects of one session; `key` is unique while the session lives. */
export const sessionObjects = (key: number) => ({
  down: `down_${key}`,
  up: `up_${key}`,
  dropped: `dropped_${key}`,
  credit: `credit_${key}`,
})

/** A session's rows in the maps: both families share counters and quota. */
export interface SessionRules {
  readonly key: number
  readonly address4: string
  readonly address6: string
}

/** A change to what the table holds besides its rules; `object` is what a map has for an address. */
export type TableChange =
  | { readonly verb: 'add' | 'delete'; readonly kind: 'counter'; readonly name: string }
  | { readonly verb: 'add'; readonly kind: 'quota'; readonly name: string; readonly over: bigint }
  | { readonly verb: 'delete'; readonly kind: 'quota'; readonly name: string }
  | {
      readonly verb: 'add' | 'delete'
      readonly kind: 'element'
      readonly set: string
      readonly address: string
      readonly object?: string
    }

/** Admits a session with this many bytes of credit. */
export function admit(session: SessionRules, limit: bigint): TableChange[] {
  const { down, up, dropped, credit } = sessionObjects(session.key)
  return [
    ...[down, up, dropped].map((name): TableChange => ({ verb: 'add', kind: 'counter', name })),
    { verb: 'add', kind: 'quota', name: credit, over: limit },
    ...rows('add', session),
    ...pass(session),
  ]
}

/** Forgets a session. */
export function dismiss(session: SessionRules, passing: boolean): TableChange[] {
  const { down, up, dropped, credit } = sessionObjects(session.key)
  return [
    ...(passing ? hold(session) : []),
    ...rows('delete', session),
    ...[down, up, dropped].map((name): TableChange => ({ verb: 'delete', kind: 'counter', name })),
    { verb: 'delete', kind: 'quota', name: credit },
  ]
}

/** Lets a session's traffic pass, up to its quota. */
export const pass = (session: Pick<SessionRules, 'address4' | 'address6'>): TableChange[] =>
  both('add', 'passing', session)

/** Holds a session's traffic back before it reaches the quota; its payments still pass. */
export const hold = (session: Pick<SessionRules, 'address4' | 'address6'>): TableChange[] =>
  both('delete', 'passing', session)

/** Sets how many bytes a session's quota lets through; what was used stays used. */
export const setLimit = (key: number, limit: bigint): TableChange => ({
  ...{ verb: 'add', kind: 'quota' },
  ...{ name: sessionObjects(key).credit, over: limit },
})

const rows = (verb: TableChange['verb'], session: SessionRules): TableChange[] =>
  Object.entries(sessionObjects(session.key)).flatMap(([map, object]) => both(verb, map, session, { object }))

const both = (
  verb: TableChange['verb'],
  set: string,
  { address4, address6 }: Pick<SessionRules, 'address4' | 'address6'>,
  value: { readonly object?: string } = {},
): TableChange[] => [
  { verb, kind: 'element', set: `${set}4`, address: address4, ...value },
  { verb, kind: 'element', set: `${set}6`, address: address6, ...value },
]
