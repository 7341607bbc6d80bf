// Asks the browser's authenticator, and sends its answer with the form. Nothing else on these pages needs a script.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

async function make(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: known(options.excludeCredentials),
  };
  const made = await navigator.credentials.create({ publicKey });
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
      transports: made.response.getTransports ? made.response.getTransports() : [],
    },
  };
}

async function show(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: known(options.allowCredentials),
  };
  const shown = await navigator.credentials.get({ publicKey });
  return {
    id: shown.id,
    rawId: text(shown.rawId),
    type: shown.type,
    response: {
      clientDataJSON: text(shown.response.clientDataJSON),
      authenticatorData: text(shown.response.authenticatorData),
      signature: text(shown.response.signature),
      userHandle: shown.response.userHandle ? text(shown.response.userHandle) : null,
    },
  };
}

for (const button of document.querySelectorAll("button[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const trouble = button.parentElement.querySelector(".wrong");
    trouble.textContent = "";
    try {
      const options = JSON.parse(button.dataset.options);
      const answer = button.dataset.passkey === "make" ? await make(options) : await show(options);
      button.form.elements.namedItem(button.dataset.field || "passkey").value = JSON.stringify(answer);
      button.form.noValidate = true;
      button.form.submit();
    } catch (error) {
      trouble.textContent = error.message;
    }
  });
}
