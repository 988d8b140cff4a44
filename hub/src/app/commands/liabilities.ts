import { readFile } from 'node:fs/promises'
import {
  type CommonOptions,
  chainFlags,
  connectChain,
  printJson,
  printLines,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import {
  type Finding,
  readPublication,
  verifyAlone,
  verifyOnChain,
} from '../liabilities/verifyPublication.js'

type Options = CommonOptions & {
  action: string
  source: string
  rpc: string | undefined
  deployment: string | undefined
  json: boolean
}

const fetchTimeoutMs = 30_000

/** Lets anybody check what a hub says it owes. */
export const liabilities: CommandModule<CommonOptions, Options> = {
  command: 'liabilities <action> <source>',
  describe:
    '"liabilities verify URL|FILE" recomputes a hub’s whole publication; --rpc compares it with the chain',
  builder: {
    action: { choices: ['verify'], describe: 'What to do' },
    source: {
      type: 'string',
      describe: 'Address such as https://hub.example.org:7700, or a file with the saved page',
    },
    rpc: {
      type: 'string',
      requiresArg: true,
      describe: 'JSON-RPC address of the chain; without it nothing is compared with the chain',
    },
    deployment: chainFlags.deployment,
  },
  async handler({ source, rpc, deployment, json }) {
    const published = readPublication(await textOf(source))
    const findings: Finding[] = verifyAlone(published)
    if (rpc !== undefined) {
      const chain = await connectChain({
        rpc,
        confirmations: 0,
        ...(deployment === undefined ? {} : { deploymentFile: deployment }),
      })
      try {
        findings.push(...(await verifyOnChain(chain, published)))
      } finally {
        chain.close()
      }
    }
    const ok = findings.every((finding) => finding.ok)
    if (json) printJson({ ok, onChain: rpc !== undefined, checks: findings })
    else
      printLines(
        ...findings.map(({ check, ok, says }) => `${check.padEnd(12)}${ok ? 'ok: ' : 'WRONG: '}${says}`),
        ...(rpc === undefined
          ? ['Nothing was compared with the chain. Give a node with --rpc to do that.']
          : []),
      )
    if (!ok) process.exitCode = 1
  },
}

/** @throws UserError when it cannot be read. */
async function textOf(source: string): Promise<string> {
  if (!/^(https?|wss?):\/\//.test(source))
    return readFile(source, 'utf8').catch((cause) => {
      throw new UserError(
        `${source} cannot be read. Give the address of a hub, or a file with the saved page.`,
        {
          cause,
        },
      )
    })
  const url = new URL(source.replace(/^ws/, 'http'))
  if (url.pathname === '/') url.pathname = '/liabilities'
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(fetchTimeoutMs) })
    const text = await response.text()
    if (response.ok) return text
    throw new Error(`it answered with ${response.status}: ${text.slice(0, 200).trim()}`)
  } catch (error) {
    const { message, cause } = error as Error
    const reason = cause instanceof Error ? cause.message : message
    throw new UserError(
      `${url} cannot be read: ${reason}. Check the address; a hub’s page is /liabilities.`,
      {
        cause: error,
      },
    )
  }
}
