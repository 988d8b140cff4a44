import { useState } from 'preact/hooks'
import { tokens } from '../../../shared/pages/amounts.js'
import { Card, Field, Refused, Tiles } from '../../../shared/pages/parts.js'
import type { Failure } from '../../../shared/pages/server.js'
import { type About, about, ask, unitOf } from './ask.js'
import { texts } from './texts.js'
import { type Verified, verify } from './verify.js'

interface Anchor {
  readonly transaction: string
  readonly blockNumber: number
}
interface Checked {
  readonly provider: string
  readonly about: About
  readonly verified: Verified | undefined
  readonly anchor: Anchor | null
}

/** Asks the hub for one leaf, and computes here whether it holds. */
async function check(provider: string): Promise<Checked | Failure> {
  const [hub, answer] = await Promise.all([
    about(),
    ask<{ anchor?: Anchor | null }>(`/liabilities/leaf?provider=${encodeURIComponent(provider)}`),
  ])
  if (hub.error !== undefined) return hub.error
  if (answer.error !== undefined) return answer.error
  return { provider, about: hub, verified: verify(answer, hub, provider), anchor: answer.anchor ?? null }
}

export function LiabilitiesPage() {
  const [provider, setProvider] = useState('')
  const [result, setResult] = useState<Checked | Failure>()
  const [isBusy, setBusy] = useState(false)
  const isAddress = /^0x[0-9a-fA-F]{40}$/.test(provider)
  const run = async () => {
    setBusy(true)
    setResult(await check(provider))
    setBusy(false)
  }
  return (
    <>
      <Card title={texts.liabilities.ask}>
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault()
            if (isAddress) void run()
          }}
        >
          <p class="soft">{texts.liabilities.means}</p>
          <div class="row form">
            <Field
              label={texts.liabilities.provider}
              placeholder="0x…"
              spellcheck={false}
              value={provider}
              onInput={(event) => setProvider(event.currentTarget.value.trim())}
            />
            <button type="submit" class="main" disabled={!isAddress || isBusy}>
              {isBusy ? texts.liabilities.busy : texts.liabilities.check}
            </button>
          </div>
          {provider === '' || isAddress ? null : <p class="soft small">{texts.liabilities.noAddress}</p>}
        </form>
      </Card>
      <div aria-live="polite">
        {result === undefined ? null : 'message' in result ? (
          <Refused failure={result} />
        ) : (
          <Result of={result} />
        )}
      </div>
      <Card title={texts.liabilities.alone}>
        <div class="stack">
          <p class="soft">{texts.liabilities.aloneHint}</p>
          <code>pontage-hub liabilities verify {location.origin} --rpc NODE</code>
        </div>
      </Card>
    </>
  )
}

function Result({ of: { verified, about: hub, anchor } }: { of: Checked }) {
  if (verified === undefined)
    return <Refused failure={{ code: 'malformed', message: texts.liabilities.malformed, cure: null }} />
  const { liabilities, proof, isTheirs, leads, isSigned } = verified
  const holds = proof !== undefined && isTheirs && leads && isSigned
  const unit = unitOf(hub)
  const said = texts.liabilities
  const [kind, pill, title] =
    proof === undefined && isSigned
      ? ['warn', said.pill.absent, said.absent]
      : holds
        ? ['good', said.pill.holds, said.holds]
        : ['bad', said.pill.wrong, said.wrong]
  return (
    <section class="card stack">
      <div>
        <span class={`pill ${kind}`}>{pill}</span>
      </div>
      <h2 class="verdict">{title}</h2>
      {proof === undefined ? <p>{said.absentHint}</p> : null}
      {kind === 'bad' ? <p>{said.wrongHint}</p> : null}
      <Tiles
        of={[
          ...(proof === undefined
            ? []
            : [[said.outstanding, tokens(proof.leaf.outstanding.toString(), unit)] as const]),
          ...(proof === undefined ? [] : [[said.total, tokens(proof.leaf.total.toString(), unit)] as const]),
          [said.sum, tokens(liabilities.sum.toString(), unit)],
          [said.pool, tokens(liabilities.pool.toString(), unit)],
        ]}
      />
      <ul class="checks">
        {proof === undefined ? null : (
          <>
            <Step ok={isTheirs} says={said.theirs} />
            <Step ok={leads} says={said.path(proof.path.length, proof.count)} />
          </>
        )}
        <Step ok={isSigned} says={said.signed} detail={liabilities.hub} />
        <Step
          ok={undefined}
          says={anchor === null ? said.notAnchored : said.anchored(anchor.blockNumber)}
          detail={anchor?.transaction}
        />
        <Step ok={undefined} says={said.root(liabilities.blockNumber)} detail={liabilities.root} />
      </ul>
    </section>
  )
}

/** @param ok - Undefined for what is not computed here */
function Step({ ok, says, detail }: { ok: boolean | undefined; says: string; detail?: string | undefined }) {
  const { step } = texts.liabilities
  const [kind, word] = ok === undefined ? ['', step.said] : ok ? ['good', step.holds] : ['bad', step.wrong]
  return (
    <li>
      <span class={`pill ${kind}`}>{word}</span>
      <span>
        {says} {detail === undefined ? null : <code>{detail}</code>}
      </span>
    </li>
  )
}
