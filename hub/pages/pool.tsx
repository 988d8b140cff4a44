import { useState } from 'preact/hooks'
import { tokens, type Units } from '../../shared/pages/amounts.js'
import { Card, Deed, Field, Tiles } from '../../shared/pages/parts.js'
import { texts } from './texts.js'

/** What the hub has and owes. */
export interface Money {
  readonly pool: string
  readonly pendingWithdrawal: string
  readonly owed: string
  readonly undrawn: string
  readonly units?: Units
}

/** What the pool is for, how much of it is spoken for, and putting more into it. @param held - Of tokens and coin, in the hub's own account */
export function Pool({
  of,
  held,
  done,
}: {
  of: Money
  held: { readonly tokens: string; readonly coin: string } | undefined
  done: () => void
}) {
  const [amount, setAmount] = useState('')
  const { units } = of
  const symbol = units?.pool?.symbol ?? ''
  const spare = BigInt(of.pool) - BigInt(of.pendingWithdrawal) - BigInt(of.owed)
  return (
    <Card title={texts.pool.title}>
      <div class="stack">
        <p class="soft">{texts.pool.means}</p>
        {spare < 0n ? (
          <p class="notice bad" role="alert">
            <strong>{texts.pool.short(tokens((-spare).toString(), units?.pool))}</strong>
            {texts.pool.shortHint}
          </p>
        ) : null}
        <Bar of={of} />
        <Tiles
          of={[
            [texts.pool.holds, tokens(of.pool, units?.pool, 4)],
            [texts.pool.owed, <span class="key owed">{tokens(of.owed, units?.owed ?? units?.pool, 4)}</span>],
            [
              texts.pool.spare,
              <span class="key">{tokens((spare > 0n ? spare : 0n).toString(), units?.pool, 4)}</span>,
            ],
            ...(of.pendingWithdrawal === '0'
              ? []
              : [
                  [
                    texts.pool.withdrawn,
                    <span class="key withdrawn">{tokens(of.pendingWithdrawal, units?.pool, 4)}</span>,
                  ] as const,
                ]),
            [texts.pool.undrawn, tokens(of.undrawn, units?.undrawn ?? units?.pool, 4)],
          ]}
        />
        <div class="row form">
          <Field
            label={texts.pool.amount(symbol)}
            inputMode="decimal"
            value={amount}
            onInput={(event) => setAmount(event.currentTarget.value.trim())}
          />
          <Deed
            name="fund"
            fields={{ amount }}
            label={texts.pool.fund}
            kind="main"
            question={texts.pool.fundCosts(`${amount} ${symbol}`.trim(), held)}
            done={(answer) => {
              if (answer.error === undefined) setAmount('')
              done()
            }}
          />
          <Deed name="draw" label={texts.pool.draw} question={texts.pool.drawCosts} done={done} />
        </div>
      </div>
    </Card>
  )
}

/** The pool as a bar: what providers may take, and what would be left. */
function Bar({ of: { pool, owed, pendingWithdrawal } }: { of: Money }) {
  const all = Math.max(Number(pool), Number(owed), 1)
  const share = (part: number) => Math.min(100, Math.max(0, (100 * part) / all))
  const taken = share(Number(owed))
  const left = share(Number(pool) - Number(pendingWithdrawal) - Number(owed))
  const going = share(Number(pendingWithdrawal))
  return (
    <svg
      class="bar"
      viewBox="0 0 100 10"
      preserveAspectRatio="none"
      role="img"
      aria-label={texts.pool.bar(`${Math.round(taken)} %`)}
    >
      <rect class="all" width="100" height="10" />
      <rect class="withdrawn" x={100 - going} width={going} height="10" />
      <rect class="owed" width={taken} height="10" />
      <rect class="spare" x={taken} width={left} height="10" />
    </svg>
  )
}
