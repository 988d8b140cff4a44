import { parseBytes } from '@pontage/shared'
import { wholeNumber } from '@pontage/shared/node'
import type { ExpectedUse } from '../../core/choose.js'

/** Flags that say how much will be used: offers are compared by what that costs. */
export const useFlags = {
  gb: {
    type: 'string',
    default: '10',
    requiresArg: true,
    describe: 'Gigabytes that you expect to use; offers are compared by what they and --hours cost together',
  },
  hours: {
    type: 'number',
    default: 10,
    requiresArg: true,
    describe: 'Hours that you expect to be connected, for providers that charge by the hour',
  },
} as const

/** @throws RangeError for what is no amount. */
export const expectedUse = ({ gb, hours }: { gb: string; hours: number }): ExpectedUse => ({
  bytes: parseBytes(`${gb}GB`),
  seconds: BigInt(wholeNumber('--hours', hours)) * 3_600n,
})
