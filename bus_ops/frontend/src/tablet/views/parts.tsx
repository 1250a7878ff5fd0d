// Small pieces that several views are made of.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { notWritten, show } from "../desk";
import { t } from "../words";

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" aria-hidden="true">
      <use href={`#icon-${name}`} />
    </svg>
  );
}

type ButtonLook = "main" | "soft" | "plain" | "danger";

interface ButtonProps extends Omit<JSX.HTMLAttributes<HTMLButtonElement>, "icon" | "onClick"> {
  icon?: string;
  look?: ButtonLook;
  big?: boolean;
  disabled?: boolean;
  type?: "button" | "submit";
  action?: string;
  onPress?: () => unknown;
  children?: ComponentChildren;
}

/** A button; while what it does is under way it takes no second tap. */
export function Button(props: ButtonProps) {
  const { icon, look = "soft", big, type = "button", action, onPress, children, ...rest } = props;
  const [busy, setBusy] = useState(false);
  const press = () => {
    const work = onPress?.();
    if (!(work instanceof Promise)) return;
    setBusy(true);
    work.catch((error: unknown) => show(notWritten(error))).finally(() => setBusy(false));
  };
  return (
    <button
      {...rest}
      type={type}
      class={`button button--${look}${big ? " button--big" : ""}`}
      data-action={action}
      disabled={rest.disabled || busy}
      onClick={onPress && press}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface PanelProps {
  title?: string;
  aside?: ComponentChildren;
  id?: string;
  children: ComponentChildren;
}

export function Panel({ title, aside, id, children }: PanelProps) {
  return (
    <section class="panel" id={id}>
      {title && (
        <div class="panel-head">
          <h2>{title}</h2>
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}

interface SheetProps {
  title: string;
  name: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** A dialog over the page; the browser keeps the focus in it and gives it back. */
export function Sheet({ title, name, onClose, children }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const opened = dialog.current;
    if (opened && !opened.open) opened.showModal();
    return () => opened?.close();
  }, []);
  return (
    <dialog ref={dialog} class="sheet" aria-labelledby={heading} data-sheet={name} onClose={onClose}>
      <div class="sheet-head">
        <h2 id={heading}>{title}</h2>
        <Button icon="x-lg" look="plain" aria-label={t("Close")} action="close-sheet" onPress={onClose} />
      </div>
      {children}
    </dialog>
  );
}

interface FieldProps {
  label: string;
  hint?: string;
  children: (id: string) => ComponentChildren;
}

export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
      {hint && <p class="hint">{hint}</p>}
    </div>
  );
}

interface TextFieldProps {
  label: string;
  name: string;
  value: string;
  onValue: (value: string) => void;
  hint?: string;
  numeric?: boolean;
  rows?: number;
  longest?: number;
  required?: boolean;
  /** A scanner's Enter goes on to the next field instead of sending the form. */
  scanned?: boolean;
}

export function TextField(props: TextFieldProps) {
  const { label, name, value, onValue, hint, numeric, rows, longest = 200, required } = props;
  const shared = {
    name,
    value,
    required,
    maxLength: longest,
    autocomplete: "off",
    onInput: (event: { currentTarget: { value: string } }) => onValue(event.currentTarget.value),
  };
  const swallowEnter = (event: KeyboardEvent) => {
    if (props.scanned && event.key === "Enter") event.preventDefault();
  };
  return (
    <Field label={label} {...(hint ? { hint } : {})}>
      {(id) =>
        rows ? (
          <textarea id={id} rows={rows} {...shared} />
        ) : (
          <input
            id={id}
            type="text"
            inputMode={numeric ? "numeric" : "text"}
            onKeyDown={swallowEnter}
            {...shared}
          />
        )
      }
    </Field>
  );
}

interface ChipsProps<V extends string | number> {
  label: string;
  name: string;
  options: readonly (readonly [V, string])[];
  value: V | null;
  onValue: (value: V) => void;
}

/** One of a few: as buttons, for a thumb. */
export function Chips<V extends string | number>(props: ChipsProps<V>) {
  const id = useId();
  return (
    <div class="field" role="group" aria-labelledby={id} data-chips={props.name}>
      <span id={id} class="label">
        {props.label}
      </span>
      <div class="chips">
        {props.options.map(([value, label]) => (
          <button
            key={value}
            type="button"
            class="chip"
            data-value={value}
            aria-pressed={value === props.value}
            onClick={() => props.onValue(value)}
          >
            {label}
          </button>
        ))}
      </div>
    </div>
  );
}

interface StepperProps {
  label: string;
  name: string;
  value: number;
  least?: number;
  onValue: (value: number) => void;
}

/** A number to be set by thumb or typed. */
export function Stepper({ label, name, value, least = 0, onValue }: StepperProps) {
  const set = (wanted: number) => onValue(Math.max(least, Math.min(9_999, wanted)));
  return (
    <Field label={label}>
      {(id) => (
        <div class="stepper">
          <Button look="soft" aria-label={`${label} −1`} onPress={() => set(value - 1)}>
            −1
          </Button>
          <input
            id={id}
            name={name}
            type="text"
            inputMode="numeric"
            value={value}
            onInput={(event) => set(Number(event.currentTarget.value.replace(/\D/g, "")) || least)}
          />
          <Button look="soft" aria-label={`${label} +1`} onPress={() => set(value + 1)}>
            +1
          </Button>
        </div>
      )}
    </Field>
  );
}

export function Notice({ tone, children }: { tone: "calm" | "warm"; children: ComponentChildren }) {
  return (
    <div class={`notice notice--${tone}`}>
      <Icon name={tone === "warm" ? "exclamation-triangle" : "info-circle"} />
      <div>{children}</div>
    </div>
  );
}

export function Empty({ icon, children }: { icon: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <p>{children}</p>
    </div>
  );
}
