import type { Firewall } from '@pontage/provider'
import { bytes } from '@pontage/shared'
import { tokens } from './people.js'
import type { Cheat } from './providerMachine.js'

const asItIs: Cheat = { doctor: (components) => components, miscount: (firewall) => firewall }

/** Terms that ask more than the offer on chain, for traffic or for time. */
const dearer = (field: 'pricePerMegabyte' | 'pricePerHour', by: bigint): Cheat['doctor'] =>
  function doctor(components) {
    const { typedData } = components
    const signed: typeof typedData.signed = (name, document, key) => {
      const terms = document as unknown as Record<typeof field, bigint>
      const dear = name === 'SessionTerms' ? { ...document, [field]: terms[field] + by } : document
      return typedData.signed(name, dear, key)
    }
    return { ...components, typedData: { ...typedData, signed } }
  }

/** Counts that grow faster than what was sent, in hundredths. */
const inflated =
  (hundredths: bigint): Cheat['miscount'] =>
  (firewall: Firewall) =>
    Object.assign(Object.create(firewall), {
      read: async () =>
        new Map(
          [...(await firewall.read())].map(([key, reading]) => [
            key,
            { ...reading, downBytes: bytes((reading.downBytes * hundredths) / 100n) },
          ]),
        ),
    })

/** How a dishonest provider's program cheats, in one way or another. */
export const cheating: readonly Cheat[] = [
  asItIs,
  { ...asItIs, doctor: dearer('pricePerMegabyte', tokens(1)) },
  { ...asItIs, doctor: dearer('pricePerHour', tokens(5_000)) },
  { ...asItIs, miscount: inflated(103n) },
  { ...asItIs, miscount: inflated(150n) },
]
