import { address, systemClock } from '@pontage/shared'
import { type CommonOptions, jsonFlag, printJson, printLines, timeOf, UserError } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'
import { table } from './table.js'

type Options = LedgerOptions & { identity: string | undefined; json: boolean }

const identityArgument = {
  identity: { type: 'string', describe: 'Address of a consumer or provider' },
} as const

/** Stops dealing with an identity, from the next request on, or lists those that are blocked. */
export const block: CommandModule<CommonOptions, Options> = {
  command: 'block [identity]',
  describe: 'Give an identity no guarantee, channel or relay any more; without one, list who is blocked',
  builder: { ...identityArgument, ...ledgerFlags, ...jsonFlag },
  handler: ({ identity: given, json, ...options }) =>
    withLedger(options, async (ledger) => {
      if (given !== undefined) {
        const identity = address(given)
        await ledger.block({ identity, since: systemClock.now() })
        if (!json)
          return printLines(
            `${identity} is blocked. What was promised it is still cleared and paid; guarantees it has end by themselves.`,
          )
      }
      const blocked = await ledger.blocked()
      if (json) printJson({ blocked })
      else if (blocked.length === 0) printLines('Nobody is blocked.')
      else
        printLines(
          ...table(
            ['Identity', 'Since'],
            blocked.map(({ identity, since }) => [identity, timeOf(since)]),
          ),
        )
    }),
}

/** Deals with an identity again. */
export const unblock: CommandModule<CommonOptions, Options> = {
  command: 'unblock <identity>',
  describe: 'Deal with a blocked identity again',
  builder: { ...identityArgument, ...ledgerFlags, ...jsonFlag },
  handler: ({ identity: given, json, ...options }) =>
    withLedger(options, async (ledger) => {
      const identity = address(String(given))
      if (!(await ledger.unblock(identity)))
        throw new UserError(`${identity} is not blocked. pontage-hub block lists who is.`)
      if (json) printJson({ blocked: await ledger.blocked() })
      else printLines(`${identity} is dealt with again.`)
    }),
}
