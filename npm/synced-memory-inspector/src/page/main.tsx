import './style.css';
import { render } from 'preact';
import { App } from './app.js';
import { followEvents } from './events.js';

render(<App />, document.getElementById('page') as HTMLElement);
void followEvents();
