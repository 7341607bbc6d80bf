// Asks the browser's authenticator, and sends its answer with the form, or back to the pages that it is for; goes on by
// itself where somebody came back. Nothing else on these pages needs a script.
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

async function sign(options) {
  const { response, id } = await show(options);
  return {
    mode: "passkey",
    credential: id,
    client_data: response.clientDataJSON,
    authenticator_data: response.authenticatorData,
    signature: response.signature,
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
      if (button.dataset.back) {
        const there = button.dataset.passkey === "make" ? await make(options) : await sign(options);
        // In the fragment no server sees it, and no log keeps it.
        location.replace(`${button.dataset.back}#${text(new TextEncoder().encode(JSON.stringify(there)))}`);
        return;
      }
      const answer = button.dataset.passkey === "make" ? await make(options) : await show(options);
      button.form.elements.namedItem(button.dataset.field || "passkey").value = JSON.stringify(answer);
      button.form.noValidate = true;
      button.form.submit();
    } catch (error) {
      trouble.textContent = error.message;
    }
  });
}

for (const form of document.querySelectorAll("form[data-fragment]")) {
  if (location.hash.length < 2) continue;
  form.elements.namedItem(form.dataset.fragment).value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  form.submit();
}
for (const form of document.querySelectorAll("form[data-go]")) form.submit();
