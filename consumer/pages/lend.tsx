import { useState } from 'preact/hooks'
import { bytes, short, tokens, type Units } from '../../shared/pages/amounts.js'
import { Card, Deed, Empty, Field, Shown, Tiles } from '../../shared/pages/parts.js'
import { squares } from './squares.js'
import { type Lending, now, type Status } from './state.js'
import { texts } from './texts.js'

/** As `pontage lend show --json` prints it. */
interface Configuration {
  readonly name: string
  readonly configuration: string
  readonly qr: string
}

/** Lending a tunnel to a phone: what is lent, and the code for its camera. */
export function LendPage() {
  const [shown, setShown] = useState<Configuration>()
  return (
    <>
      <NewLending lent={setShown} />
      {shown === undefined ? null : <ForCamera of={shown} close={() => setShown(undefined)} />}
      <Card title={texts.lend.lent}>
        <Shown of={now.value}>
          {({ lendings, units }: Status) =>
            lendings.length === 0 ? (
              <Empty title={texts.lend.none}>
                <p class="soft">{texts.lend.noneHint}</p>
              </Empty>
            ) : (
              <div class="stack">
                {lendings.map((each) => (
                  <OneLending key={each.name} of={each} units={units} show={setShown} />
                ))}
              </div>
            )
          }
        </Shown>
      </Card>
    </>
  )
}

function NewLending({ lent }: { lent: (shown: Configuration) => void }) {
  const { lend: words } = texts
  const [name, setName] = useState('phone')
  const [budget, setBudget] = useState('')
  const [cap, setCap] = useState('')
  return (
    <Card title={words.title}>
      <div class="stack">
        <p class="soft">{words.hint}</p>
        <div class="row form">
          <Field
            label={words.name}
            value={name}
            onInput={(event) => setName(event.currentTarget.value.trim())}
          />
          <Field
            label={texts.budget}
            placeholder={words.budgetHint}
            value={budget}
            onInput={(event) => setBudget(event.currentTarget.value.trim())}
          />
          <Field
            label={texts.cap}
            placeholder={words.capHint}
            value={cap}
            onInput={(event) => setCap(event.currentTarget.value.trim())}
          />
          <Deed
            name="lend"
            fields={{ name, budget, cap }}
            label={words.lend}
            busy={words.lending}
            kind="main"
            question={words.costs(budget, cap)}
            done={(answer) => {
              if (answer.error === undefined) lent(answer as unknown as Configuration)
            }}
          />
        </div>
      </div>
    </Card>
  )
}

/** The code, and the text beside it for what has no camera. */
function ForCamera({ of, close }: { of: Configuration; close: () => void }) {
  const { lend: words } = texts
  const { path, size } = squares(of.qr)
  return (
    <Card title={words.scan(of.name)}>
      <div class="stack">
        <ol>
          {words.steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        <div class="row">
          <svg class="code" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={words.code(of.name)}>
            <path d={path} />
          </svg>
        </div>
        <details>
          <summary>{words.asText}</summary>
          <pre class="mono whole">{of.configuration}</pre>
        </details>
        <p class="notice">{words.secret}</p>
        <div>
          <button type="button" onClick={close}>
            {words.done}
          </button>
        </div>
      </div>
    </Card>
  )
}

function OneLending({
  of,
  units,
  show,
}: {
  of: Lending
  units: Units
  show: (shown: Configuration) => void
}) {
  const { lend: words } = texts
  const used = (what: { spent: string; bytes: number }) =>
    `${tokens(what.spent, units?.spent)} · ${bytes(what.bytes)}`
  return (
    <section class="stack apart-below" aria-label={of.name}>
      <div class="row apart">
        <h3>{of.name}</h3>
        <span class={`pill ${of.state === 'lent' ? 'good' : ''}`}>{words.states[of.state]}</span>
      </div>
      {of.reason === null ? null : <p class="soft">{of.reason}</p>}
      <Tiles
        of={[
          [words.provider, <span title={of.provider ?? ''}>{short(of.provider ?? '')}</span>],
          [words.today, used(of.today)],
          [words.inAll, used(of)],
          [texts.budget, words.limits(of.budget)],
          ...(of.cap.length === 0 ? [] : [[texts.cap, words.limits(of.cap)] as const]),
          ...(of.rate === null ? [] : [[words.rate, of.rate] as const]),
        ]}
      />
      <div class="row">
        <Deed
          name="showLending"
          fields={{ name: of.name }}
          label={words.show}
          kind="small"
          done={(answer) => {
            if (answer.error === undefined) show(answer as unknown as Configuration)
          }}
        />
        {of.state === 'not running' ? (
          <Deed
            name="lend"
            fields={{ name: of.name }}
            label={words.goOn}
            busy={words.lending}
            kind="small"
            question={words.costs(of.budget.join(', '), of.cap.join(', '))}
          />
        ) : null}
        <Deed
          name="stopLending"
          fields={{ name: of.name }}
          label={words.stop}
          kind="small"
          question={words.stopCosts(of.name)}
        />
      </div>
    </section>
  )
}
