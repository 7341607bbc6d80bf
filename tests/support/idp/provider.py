# mypy: ignore-errors
"""An OpenID provider on idpyoidc, in an environment of its own (`.venv/idp`): `provider.py CONFIG`, over TLS.

CONFIG is JSON: `port`, `folder` (of keys and files), `certificate` and `key`, `clients`, `users` (name to password),
`levels` (acr to the way that it is reached) and `lifetime` of ID tokens. Prints `ready` once it listens.
"""

import json
import logging
import sys
import threading
from html import escape
from pathlib import Path

from flask import Flask, Response, make_response, redirect, request
from idpyoidc.message.oauth2 import ResponseMessage
from idpyoidc.message.oidc import AccessTokenRequest, AuthorizationRequest
from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration
from idpyoidc.server.exception import FailedAuthentication
from idpyoidc.server.oidc.token import Token
from idpyoidc.server.user_authn.user import UserAuthnMethod, create_signed_jwt
from werkzeug.serving import make_server

LOCK = threading.Lock()


class Form(UserAuthnMethod):
    """A page that asks for name and password; what the request was travels in it, signed."""

    def __init__(self, users, upstream_get=None, **kwargs):
        super().__init__(upstream_get=upstream_get, **kwargs)
        self.users = users

    def __call__(self, **kwargs):
        context = self.upstream_get("context")
        token = create_signed_jwt(context.issuer, self.upstream_get("attribute", "keyjar"), **kwargs)
        return (
            '<!doctype html><title>Sign in</title><form method="post" action="/verify">'
            f'<input type="hidden" name="token" value="{escape(token)}">'
            '<input name="username"><input name="password" type="password"><button>Sign in</button></form>'
        )

    def verify(self, username="", password="", **_kwargs):
        if self.users.get(username) != password or not password:
            raise FailedAuthentication("wrong name or password")
        return username


def configuration(made):
    folder, methods = Path(made["folder"]), ["client_secret_basic", "client_secret_post"]
    users = folder / "users.json"
    users.write_text(json.dumps({name: {"sub": name} for name in made["users"]}))
    keys = {"private_path": made["keys"], "read_only": True, "uri_path": "jwks"}
    cookie_keys = [{"type": "OCT", "use": [use], "kid": use} for use in ("enc", "sig")]
    usage = {"supports_minting": ["access_token", "id_token"], "max_usage": 1}
    return {
        "issuer": made["issuer"],
        "httpc_params": {"verify": True},
        "keys": keys,
        "subject_types_supported": ["public"],
        "session_params": {
            "sub_func": {
                "public": {
                    "class": "idpyoidc.server.session.manager.PublicID",
                    "kwargs": {"salt": "of the tests"},
                }
            },
            "encrypter": {
                "kwargs": {
                    "keys": {
                        "key_defs": [
                            {"type": "OCT", "use": ["enc"], "kid": "password"},
                            {"type": "OCT", "use": ["enc"], "kid": "salt"},
                        ]
                    },
                    "iterations": 1,
                }
            },
        },
        "add_on": {
            "pkce": {
                "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                "kwargs": {"essential": True, "code_challenge_methods": {"S256": {}}},
            }
        },
        "authz": {
            "class": "idpyoidc.server.authz.AuthzHandling",
            "kwargs": {
                "grant_config": {"usage_rules": {"authorization_code": usage, "access_token": {}}, "expires_in": 43200}
            },
        },
        "authentication": {
            name: {"acr": acr, "class": Form, "kwargs": {"users": made["users"]}}
            for name, acr in made["levels"].items()
        },
        "cookie_handler": {
            "class": "idpyoidc.server.cookie_handler.CookieHandler",
            "kwargs": {
                "keys": {"key_defs": cookie_keys},
                "name": {"session": "op", "register": "op_rp", "session_management": "op_sman"},
            },
        },
        "endpoint": {
            "provider_info": {
                "path": ".well-known/openid-configuration",
                "class": "idpyoidc.server.oidc.provider_config.ProviderConfiguration",
                "kwargs": {"client_authn_method": None},
            },
            "authorization": {
                "path": "authorization",
                "class": "idpyoidc.server.oidc.authorization.Authorization",
                "kwargs": {
                    "client_authn_method": None,
                    "response_types_supported": ["code"],
                    "response_modes_supported": ["query"],
                },
            },
            "token": {
                "path": "token",
                "class": "idpyoidc.server.oidc.token.Token",
                "kwargs": {"client_authn_method": methods},
            },
        },
        "token_handler_args": {
            "key_conf": {
                "key_defs": [
                    {"type": "OCT", "bytes": 24, "use": ["enc"], "kid": kid} for kid in ("code", "token", "refresh")
                ]
            },
            "code": {"lifetime": 600},
            "token": {
                "class": "idpyoidc.server.token.jwt_token.JWTToken",
                "kwargs": {"alg": made["algorithm"], "lifetime": 3600, "aud": []},
            },
            "id_token": {
                "class": "idpyoidc.server.token.id_token.IDToken",
                "kwargs": {"lifetime": made["lifetime"], "base_claims": {}},
            },
        },
        "userinfo": {"class": "idpyoidc.server.user_info.UserInfo", "kwargs": {"db_file": str(users)}},
    }


def answer(endpoint, asked, **args):
    info = endpoint.do_response(request=asked, **args)
    placed = info.get("response_placement", endpoint.response_placement)
    made = (
        make_response(info["response"], info.get("response_code", 200))
        if placed == "body"
        else redirect(info["response"])
    )
    for key, value in info["http_headers"]:
        made.headers[key] = value
    cookies = info.get("cookie", [])
    for cookie in [cookies] if isinstance(cookies, dict) else cookies:
        kept = {key: value for key, value in cookie.items() if key != "name"}
        made.set_cookie(cookie["name"], **{**kept, "path": "/", "samesite": "Lax", "secure": True, "httponly": True})
    return made


def endpoint_answer(server, name):
    endpoint = server.get_endpoint(name)
    about = {
        "headers": {key.lower(): value for key, value in request.headers.items()},
        "method": request.method,
        "url": request.url,
        "cookie": [{"name": key, "value": value} for key, value in request.cookies.items()],
    }
    sent = request.args.to_dict() if request.method == "GET" else request.form.to_dict()
    try:
        asked = endpoint.parse_request(sent, http_info=about)
        if isinstance(asked, ResponseMessage) and "error" in asked:
            return Response(asked.to_json(), 400, mimetype="application/json")
        wanted = AccessTokenRequest(**asked) if isinstance(endpoint, Token) else asked
        args = endpoint.process_request(wanted, http_info=about)
    except Exception as error:  # what a provider answers to any request that it cannot take
        made = ResponseMessage(error="invalid_request", error_description=str(error))
        return Response(made.to_json(), 400, mimetype="application/json")
    if isinstance(args, ResponseMessage) and "error" in args:
        return Response(args.to_json(), 400, mimetype="application/json")
    if "redirect_location" in args:
        return redirect(args["redirect_location"])
    if "http_response" in args:
        return make_response(args["http_response"], 200)
    return answer(endpoint, asked, **args)


def application(made):
    server = Server(OPConfiguration(conf=configuration(made), base_path=made["folder"]), cwd=made["folder"])
    context = server.context
    for client in made["clients"]:
        context.cdb[client["client_id"]] = {
            **client,
            "redirect_uris": [(uri, {}) for uri in client["redirect_uris"]],
            "response_types_supported": ["code"],
            "allowed_scopes": ["openid"],
            "token_endpoint_auth_method": "client_secret_basic",
            "id_token_signed_response_alg": made["algorithm"],
        }
    app = Flask("provider")

    @app.get("/jwks")
    def jwks():
        return Response(json.dumps(made["published"]), mimetype="application/json")

    @app.get("/.well-known/openid-configuration")
    def discovery():
        return endpoint_answer(server, "provider_config")

    @app.get("/authorization")
    def authorization():
        with LOCK:
            return endpoint_answer(server, "authorization")

    @app.post("/token")
    def token():
        with LOCK:
            return endpoint_answer(server, "token")

    @app.post("/verify")
    def verify():
        with LOCK:
            broker = context.authn_broker
            shown = request.form.to_dict()
            first = broker.get_method_by_id(next(iter(made["levels"])))
            asked = first.unpack_token(shown["token"])
            try:
                name = first.verify(**shown)
            except FailedAuthentication:
                return make_response("wrong name or password", 403)
            wanted = AuthorizationRequest().from_urlencoded(asked["query"])
            endpoint = server.get_endpoint("authorization")
            sid = endpoint.create_session(wanted, name, asked["authn_class_ref"], asked["iat"], first)
            args = endpoint.authz_part2(request=wanted, session_id=sid)
            if isinstance(args, ResponseMessage) and "error" in args:
                return make_response(args.to_json(), 400)
            return answer(endpoint, request, **args)

    return app


def main(path):
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    made = json.loads(Path(path).read_text())
    tls = (made["certificate"], made["key"])
    serving = make_server("127.0.0.1", made["port"], application(made), threaded=True, ssl_context=tls)
    print("ready", flush=True)
    serving.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
