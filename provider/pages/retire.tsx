import { signal } from '@preact/signals'
import { Card, Deed } from '../../shared/pages/parts.js'
import type { Answer } from '../../shared/pages/server.js'
import { texts } from './texts.js'

const report = signal<Answer<object> | undefined>(undefined)

export function Retire() {
  const steps = report.value?.error === undefined ? Object.entries(report.value ?? {}) : []
  return (
    <Card title={texts.retire.title}>
      <div class="stack">
        <p class="soft">{texts.retire.means}</p>
        <div class="row">
          <Deed
            name="retire"
            label={texts.retire.begin}
            question={texts.retire.beginCosts}
            done={(answer) => {
              report.value = answer
            }}
          />
          <Deed name="cancelRetire" label={texts.retire.cancel} />
        </div>
        {steps.length === 0 ? null : (
          <dl class="tiles">
            {steps
              .filter(([name]) => name !== 'schema' && name !== 'units')
              .map(([name, value]) => (
                <div class="tile" key={name}>
                  <dt>{name}</dt>
                  <dd>{typeof value === 'object' ? JSON.stringify(value) : String(value)}</dd>
                </div>
              ))}
          </dl>
        )}
      </div>
    </Card>
  )
}
