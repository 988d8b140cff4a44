import { duration, tokens } from '../../shared/pages/amounts.js'
import { Card, Tiles } from '../../shared/pages/parts.js'
import { Id } from './id.js'
import { heardAt, type Running } from './state.js'
import { texts } from './texts.js'

/** How old the newest block is: `4 s`. */
export const ageOf = ({ headAt }: Running['chain']): string =>
  headAt === null ? '–' : duration(Math.max(0, heardAt.value / 1_000 - headAt))

/** The nodes, the newest block, and what was sent and stands in no deep block yet. */
export function Chain({ of: { chain, transactions } }: { of: Running }) {
  return (
    <Card title={texts.chain.title}>
      <div class="stack">
        <Tiles
          of={[
            [texts.chain.head, chain.head ?? '–'],
            [texts.chain.age, ageOf(chain)],
            [texts.chain.followed, chain.followed ?? '–'],
            [texts.chain.underWay, transactions.length],
          ]}
        />
        <ul class="list" aria-label={texts.chain.nodes}>
          {chain.nodes.map(({ name, inUse, trouble }) => (
            <li key={name}>
              <span class={`pill ${trouble !== null ? 'bad' : inUse ? 'good' : ''}`}>
                {trouble !== null ? texts.chain.away : inUse ? texts.chain.inUse : texts.chain.ready}
              </span>
              <code>{name}</code>
              {trouble === null ? null : <span class="soft small">{trouble}</span>}
            </li>
          ))}
        </ul>
        {transactions.length === 0 ? null : (
          <ul class="list" aria-label={texts.chain.underWay}>
            {transactions.map(({ does, state, transaction }) => (
              <li key={`${does}${transaction}`}>
                <span class="pill warn">{texts.chain.states[state] ?? state}</span>
                <strong>{does ?? texts.chain.unknown}</strong>
                {transaction === null ? null : <Id of={transaction} />}
              </li>
            ))}
          </ul>
        )}
      </div>
    </Card>
  )
}

/** What was last said in public of what is owed. */
export function Published({ of: { publication, units } }: { of: Running }) {
  return (
    <Card title={texts.published.title}>
      <div class="stack">
        <p class="soft">{texts.published.means}</p>
        {publication === null ? (
          <p>{texts.published.none}</p>
        ) : (
          <Tiles
            of={[
              [texts.published.sum, tokens(publication.sum, units?.sum)],
              [texts.published.providers, publication.providers],
              [
                texts.published.age,
                texts.published.ago(duration(heardAt.value / 1_000 - publication.publishedAt)),
              ],
              [texts.published.block, publication.blockNumber],
            ]}
          />
        )}
      </div>
    </Card>
  )
}
