import { type ClearRequest, encodeMessage, type RequestType } from '@pontage/shared'
import { encodeClear, GivenHandles } from '@pontage/shared/node'

// Frames that nobody honest sends, all from one number: the same seed gives the same frames.

/** Requests that a hub answers: every one of them must meet hostile frames that pass its schema. */
export type HubRequest = Exclude<
  RequestType,
  'release' | 'terms' | 'open' | 'raise' | 'attach' | 'carry' | 'end'
>

/** A valid signed example of each request, as an attacker has them: its own documents, and those it overheard. */
export type Examples = Readonly<Record<HubRequest, readonly object[]>>

/** Makes frames, text or binary. Those of `rude` end the connection by the rules of the wire. */
export interface Hostile {
  mutated(): string | Buffer
  random(): string | Buffer
  rude(): string | Buffer
}

/** Costly ones come rarely: states of channels are checked by a library that takes milliseconds. */
const rare: readonly HubRequest[] = [
  'prefund',
  'conclude',
  'close-draft',
  'relay-open',
  'relay-register',
  'relay-exit',
  'relay-finish',
  'held-promises',
  'relay-deposit',
  'relay-repay',
  'relay-unbond',
  'relay-withdraw',
  'relay-collect',
  'guarantee',
]
const rareShare = 0.06

export function createHostile(examples: Examples, random: () => number): Hostile {
  const below = (count: number) => Math.floor(random() * count)
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[below(items.length)]
    if (item === undefined) throw new Error('There is nothing to pick from.')
    return item
  }
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => below(256)))
  const hex = (count: number) => bytes(count).toString('hex')
  const types = Object.keys(examples) as HubRequest[]
  const cheap = types.filter((type) => !rare.includes(type))
  const number = () => pick([0, 1, -1, below(2 ** 31), 2 ** 53, -(2 ** 53), 1.5, 1e308])

  const rubbish = (depth = 0): unknown =>
    pick<() => unknown>([
      () => null,
      () => random() < 0.5,
      number,
      () => '',
      () => `0x${hex(below(70))}`,
      () => String(below(2 ** 31)),
      () => '9'.repeat(1 + below(100)),
      () => '\u0000\ud800"\\'.repeat(1 + below(20)),
      () => ({}),
      () => (depth > 3 ? [] : Array.from({ length: below(5) }, () => rubbish(depth + 1))),
      () =>
        depth > 3
          ? {}
          : { [pick(['id', 'type', 'channel', '__proto__', 'constructor', 'x'])]: rubbish(depth + 1) },
    ])()

  /** Changes one value somewhere inside, so that most of the rest still fits its schema. */
  function spoil(value: unknown): unknown {
    if (Array.isArray(value) && value.length > 0) {
      const at = below(value.length)
      return random() < 0.1
        ? [...value, ...value]
        : value.map((each, index) => (index === at ? spoil(each) : each))
    }
    if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
      const key = pick(Object.keys(value))
      const { [key]: chosen, ...rest } = value as Record<string, unknown>
      return random() < 0.05 ? rest : { ...rest, [key]: spoil(chosen) }
    }
    if (random() < 0.2) return rubbish()
    if (typeof value === 'string' && /^0x[0-9a-f]+$/.test(value)) {
      const at = 2 + below(value.length - 2)
      return value.slice(0, at) + below(16).toString(16) + value.slice(at + 1)
    }
    if (typeof value === 'string' && /^\d+$/.test(value)) return `${BigInt(value) + BigInt(below(1_000))}`
    if (typeof value === 'number') return value + pick([1, -1, 60, -3_600])
    return rubbish()
  }

  function mutated(): string | Buffer {
    const type = random() < rareShare ? pick(rare) : pick(cheap)
    const example = pick(examples[type])
    if (type === 'clear') return spoiltClear(example as ClearRequest)
    const plain = JSON.parse(encodeMessage(example))
    const message = { id: below(2 ** 31), type, ...(random() < 0.05 ? plain : (spoil(plain) as object)) }
    const text = JSON.stringify(message)
    const how = random()
    if (how < 0.85) return text
    if (how < 0.9) return text.slice(0, below(text.length))
    if (how < 0.95) {
      const at = below(text.length)
      return text.slice(0, at) + pick(['"', '{', '0', 'x', '\n', '\u0000']) + text.slice(at + 1)
    }
    return JSON.stringify({ ...message, [pick(['id', 'type', 'signature', '__proto__'])]: rubbish() })
  }

  /** Whole promises, their bytes changed: the frame stays one that is read. */
  function spoiltClear(example: ClearRequest): Buffer {
    const frame = encodeClear(below(2 ** 32), example, new GivenHandles())
    const head = 5
    for (let count = below(4); count > 0 && frame.length > head; count--)
      frame[head + below(frame.length - head)] = below(256)
    return frame
  }

  return {
    mutated,
    random: () =>
      pick<() => string | Buffer>([
        () => bytes(below(200)).toString('latin1'),
        () => JSON.stringify(rubbish()),
        () =>
          JSON.stringify({
            id: rubbish(),
            type: pick([...types, 'attach', 'usage', 'toString']),
            ...(rubbish() as object),
          }),
        () =>
          JSON.stringify({
            type: pick(['usage', 'suspended', 'ended', 'challenge', 'hello']),
            session: rubbish(),
          }),
        () => JSON.stringify({ id: number(), ok: rubbish(), code: rubbish(), message: rubbish() }),
        () => '['.repeat(below(5_000)),
        () => Buffer.concat([Buffer.from([3]), bytes(4)]),
        () => Buffer.concat([Buffer.from([3]), bytes(4 + 129 * below(4))]),
        () => Buffer.concat([Buffer.from([4]), bytes(4 + 97), Buffer.alloc(4)]),
      ])(),
    rude: () =>
      pick<() => string | Buffer>([
        () => bytes(1 + below(300)),
        () => Buffer.concat([Buffer.from([3]), bytes(4 + 129 + 1 + below(120))]),
        () => Buffer.concat([Buffer.from([4]), bytes(105), Buffer.from([255, 255])]),
        () => Buffer.alloc(0),
        () => 'x'.repeat(262_145),
      ])(),
  }
}
