import type { Firewall } from '@pontage/provider'
import { bytes } from '@pontage/shared'
import { timeline } from '../stage/timeline.js'
import { tokens } from './people.js'
import type { Cheat } from './providerMachine.js'

/** What a dishonest provider's program adds to what it asks for, and makes of what it counted, in hundredths. */
interface Mood {
  readonly perMegabyte: bigint
  readonly perHour: bigint
  readonly counted: bigint
}

const honest: Mood = { perMegabyte: 0n, perHour: 0n, counted: 100n }
const moods: readonly Mood[] = [
  honest,
  { ...honest, perMegabyte: tokens(1) },
  { ...honest, perHour: tokens(5_000) },
  { ...honest, counted: 103n },
  { ...honest, counted: 150n },
]
const moodMs = 20_000

/** A provider's program that now and then asks more than the offer on chain, or counts more than it sent. */
export function fickle(): Cheat {
  let mood = honest
  const change = () => {
    mood = timeline().chance.one(moods)
    timeline().plan(moodMs, change, timeline().world)
  }
  timeline().plan(moodMs, change, timeline().world)
  return {
    doctor(components) {
      const { typedData } = components
      const signed: typeof typedData.signed = (name, document, key) =>
        typedData.signed(name, name === 'SessionTerms' ? dearer(document, mood) : document, key)
      return { ...components, typedData: { ...typedData, signed } }
    },
    miscount: (firewall: Firewall) =>
      Object.assign(Object.create(firewall), {
        read: async (last?: readonly number[]) =>
          new Map(
            [...(await firewall.read(last))].map(([key, reading]) => [
              key,
              { ...reading, downBytes: bytes((reading.downBytes * mood.counted) / 100n) },
            ]),
          ),
      }),
  }
}

function dearer<Terms>(document: Terms, { perMegabyte, perHour }: Mood): Terms {
  const { pricePerMegabyte, pricePerHour } = document as unknown as Record<string, bigint>
  return {
    ...document,
    pricePerMegabyte: (pricePerMegabyte ?? 0n) + perMegabyte,
    pricePerHour: (pricePerHour ?? 0n) + perHour,
  }
}
