import { countOf } from '@pontage/shared'
import { inTokens, onChain, printJson } from '@pontage/shared/node'
import { listHubs } from '../market/hubs.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

export const hubsCommand = command<Settings>({
  command: 'hubs',
  describe: 'List the hubs that offers name, with stake, pool and fee: a channel is opened with one of them',
  builder: withSettings,
  handler: (argv) =>
    onChain(argv, async (chain) => {
      const hubs = await listHubs(argv.home, chain)
      if (argv.json) return printJson({ hubs })
      if (hubs.length === 0)
        return printLine('No offer names a hub yet. Ask whoever runs one for its address.')
      for (const { hub, url, stake, pool, feeBps, providers, problem } of hubs) {
        printLine(`${hub}  ${url}${problem === null ? '' : `  (do not use: ${problem})`}`)
        printLine(
          `    ${countOf(providers, 'provider')}, stake ${inTokens(chain, stake)}, pool ${inTokens(chain, pool)}, keeps ${feeBps / 100} % of what providers earn`,
        )
      }
      printLine('Open a channel with one of them: pontage channel open --hub HUB --amount 5')
    }),
})
