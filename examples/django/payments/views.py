"""The application at the wire, and its paths."""

import json

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from payments.models import Busy, OutcomeUnknown, Payment, Refused, pay


@csrf_exempt
@require_http_methods(["PUT"])
def payment(request, id):
    """Pay once for an id that the sender chose."""
    asked = json.loads(request.body)
    try:
        pay(Payment(id=id, payer_id=asked["payer"], payee_id=asked["payee"], amount=asked["amount"]))
    except Refused:
        return HttpResponse("the payer does not have that much\n", status=409)
    except Busy:
        return HttpResponse("too many conflicts: nothing was paid\n", status=503)
    except OutcomeUnknown:
        return HttpResponse("the outcome is unknown: ask again with the same id\n", status=504)
    return HttpResponse(status=204)


urlpatterns = [path("payments/<uuid:id>", payment)]
