import { SettingsList } from '../../shared/pages/settings.js'
import { texts } from './texts.js'

export const SettingsPage = () => <SettingsList texts={texts.settings} />
