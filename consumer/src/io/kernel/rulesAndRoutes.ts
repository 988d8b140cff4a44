import { existsSync } from 'node:fs'
import { CommandFailed, listIp } from '@pontage/shared/node'

/** Those that the kernel has. IPv6 may be switched off, on all devices or some, and on again at any moment. */
export const families = (): readonly (4 | 6)[] => (existsSync('/proc/sys/net/ipv6') ? [4, 6] : [4])

/** A rule that says which table leads a packet. */
export interface Rule {
  readonly priority: number
  readonly table?: string
  readonly dst?: string
}

/** Where a table leads. */
export interface TableRoute {
  readonly dst?: string
  readonly dev?: string
  readonly type?: string
}

/** The rules of a family, and what leads where in some tables; one that does not exist is empty. */
export async function rulesAndRoutes(
  family: 4 | 6,
  tables: readonly string[] = [],
): Promise<{ rules: Rule[]; routes: TableRoute[][] }> {
  const questions = tables.map((table) => ['route', 'show', 'table', table])
  const [rules = [], ...routes] = await listIp([['rule', 'show'], ...questions], { family }).catch(
    async (error) => {
      // Some versions refuse to show a table that does not exist.
      if (!(error instanceof CommandFailed) || error.problem !== 'exited' || tables.length === 0) throw error
      const [shown = []] = await listIp([['rule', 'show']], { family })
      return [shown, ...(await Promise.all(questions.map((question) => shownAlone(question, family))))]
    },
  )
  return {
    rules: rules as Rule[],
    routes: (routes as TableRoute[][]).map((each) =>
      each.map(({ dst, dev, type }) => ({ dst, dev, type })),
    ) as TableRoute[][],
  }
}

async function shownAlone(question: readonly string[], family: 4 | 6): Promise<object[]> {
  const [shown = []] = await listIp([question], { family }).catch((error) => {
    if (error instanceof CommandFailed && error.problem === 'exited') return [[]]
    throw error
  })
  return shown
}
